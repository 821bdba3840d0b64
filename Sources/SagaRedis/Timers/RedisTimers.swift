import CloudEvents
import NIOCore
import Redis
import Saga

/// Moves due timers into the streams of their events.
struct RedisTimers: SagaTimers {
    private static let batchMaximum = 64

    let redis: RedisClient
    let service: String
    let names: SagaKeys
    let route: String
    let letterTimeToLive: Duration

    func fireDue() async throws(SagaError) -> FiredTimers {
        let reply: RedisValue
        do {
            reply = try await redis.evaluate(
                TimerScript.due, keys: [names.timers(service)],
                arguments: [.integer(Self.batchMaximum)])
        } catch {
            throw SagaError(error)
        }
        let answer = try decoding { () throws(RedisError) in try reply.requireArray() }
        var fired = FiredTimers()
        var timers: [Timer] = []
        for member in answer.dropFirst() {
            if let timer = Timer(member) {
                timers.append(timer)
            } else {
                fired.letters.append(try await setAside(member))
            }
        }
        for (type, due) in Dictionary(grouping: timers, by: \.event) {
            fired.groups.append(try await fire(due, type))
        }
        if answer.count > Self.batchMaximum {
            fired.rest = .zero
        } else if let next = answer.first?.integer, next >= 0 {
            fired.rest = .milliseconds(max(next, 1))
        }
        return fired
    }

    private struct Timer {
        var member: String
        var event: String
        var sagaID: String

        /// Nil for what no transition can have set.
        init?(_ value: RedisValue) {
            guard let buffer = value.buffer, let member = value.string,
                member.utf8.elementsEqual(buffer.readableBytesView),
                let parsed = TimerScript.parse(member)
            else { return nil }
            self.member = member
            (event, sagaID) = parsed
        }
    }

    /// What is not a timer would be due for ever, and enough of it would keep all others from
    /// being looked at.
    private func setAside(_ member: RedisValue) async throws(SagaError) -> String {
        let bytes = member.buffer.map { Array($0.readableBytesView) } ?? []
        let letter = DeadLetter(
            event: bytes, stream: names.timers(service),
            id: String(decoding: bytes.prefix(128), as: UTF8.self), reason: .undecodable,
            error: "not a timer, which is an event type, a space and a saga ID", attempts: 0,
            firstTime: SystemTime.milliseconds(), lastTime: SystemTime.milliseconds())
        _ = try await DeadLetterScript(redis: redis, names: names, service: service).keep(
            letter, nil, timeToLive: letterTimeToLive)
        do {
            _ = try await redis.send(
                RedisCommand("ZREM", [.string(names.timers(service)), .bytes(bytes)]))
        } catch {
            throw SagaError(error)
        }
        return letter.id
    }

    private func fire(
        _ timers: [Timer], _ type: String
    ) async throws(SagaError) -> FiredTimers.Group {
        var arguments: [RedisArgument] = [.string(type), .string(names.channel(type))]
        for timer in timers {
            let event = CloudEvent(
                source: "/\(service)", type: type, subject: timer.sagaID,
                coordination: "choreography", route: route, data: Array("{}".utf8))
            arguments += [
                .string(timer.member), .string(event.id), .string(timer.sagaID),
                .bytes(event.json()),
            ]
        }
        do {
            let answer = try await redis.evaluate(
                TimerScript.fire,
                keys: [names.timers(service), names.stream(type, owner: service)],
                arguments: arguments)
            return FiredTimers.Group(
                type: type, count: answer[0]?.integer ?? 0, silence: answer[1]?.string)
        } catch {
            throw SagaError(error)
        }
    }
}
