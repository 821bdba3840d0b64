import CloudEvents
import Logging
import NIOCore
import Redis
import Saga

/// Moves due timers into the streams of their events.
struct TimerKeeper: Sendable {
    /// The longest look away, and so the most that a timer set meanwhile can be late.
    private static let pauseMaximum: Duration = .milliseconds(200)
    private static let pauseMinimum: Duration = .milliseconds(5)
    private static let batchMaximum = 64

    let redis: RedisClient
    let service: String
    let names: SagaKeys
    let route: String
    let letterTimeToLive: Duration
    let metrics: SagaMetrics
    let health: RuntimeHealth
    let logger: Logger

    func run(while isRunning: @Sendable () -> Bool) async {
        var failures = 0
        while isRunning() {
            var pause = Self.pauseMaximum
            do {
                pause = try await fireDue()
                failures = 0
                health.timers(nil)
            } catch {
                failures += 1
                health.timers(error)
                if failures == 1 {
                    logger.warning("timers cannot be fired", metadata: ["error": "\(error)"])
                }
            }
            guard (try? await Task.sleep(for: pause)) != nil else { return }
        }
    }

    /// Fires what is due and answers how long nothing else will be.
    private func fireDue() async throws(SagaError) -> Duration {
        let reply: RedisValue
        do {
            reply = try await redis.evaluate(
                TimerScript.due, keys: [names.timers(service)],
                arguments: [.integer(Self.batchMaximum)])
        } catch {
            throw SagaError(error)
        }
        let answer = try decoding { () throws(RedisError) in try reply.requireArray() }
        var timers: [Timer] = []
        for member in answer.dropFirst() {
            if let timer = Timer(member) {
                timers.append(timer)
            } else {
                try await setAside(member)
            }
        }
        try await fire(timers)
        if answer.count > Self.batchMaximum { return .zero }
        guard let next = answer.first?.integer, next >= 0 else { return Self.pauseMaximum }
        return min(max(.milliseconds(next), Self.pauseMinimum), Self.pauseMaximum)
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
    private func setAside(_ member: RedisValue) async throws(SagaError) {
        let bytes = member.buffer.map { Array($0.readableBytesView) } ?? []
        let letter = DeadLetter(
            event: bytes, stream: names.timers(service),
            id: String(decoding: bytes.prefix(128), as: UTF8.self), reason: .undecodable,
            error: "not a timer, which is an event type, a space and a saga ID", attempts: 0,
            firstTime: SystemTime.milliseconds())
        _ = try await letter.write(
            nil, to: redis, names: names, service: service, timeToLive: letterTimeToLive)
        do {
            _ = try await redis.send(
                RedisCommand("ZREM", [.string(names.timers(service)), .bytes(bytes)]))
        } catch {
            throw SagaError(error)
        }
        metrics.deadLetter()
        logger.error(
            "what is not a timer became a dead letter", metadata: ["entry": "\(letter.id)"])
    }

    private func fire(_ timers: [Timer]) async throws(SagaError) {
        for (type, due) in Dictionary(grouping: timers, by: \.event) {
            var arguments: [RedisArgument] = [.string(type), .string(names.channel(type))]
            for timer in due {
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
                let refusal = answer[1]?.string
                if refusal != nil { metrics.publishRefused() }
                if answer[0]?.integer ?? 0 > 0 { health.publish([type], refusal) }
            } catch {
                throw SagaError(error)
            }
            for _ in due { metrics.event(type, .emitted) }
        }
    }
}
