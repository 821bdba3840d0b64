import CloudEvents
import NIOCore
import Saga
import Synchronization
import Timekeeping
import TroupeRedis

/// Moves due timers into the streams of their events.
///
/// Where Redis has gone back a moment, sagas do again what they had done, and find their time
/// over: what is cancelled then had perhaps been completed, and dispatched. So no timer is fired
/// on data of another identity before each has its whole time again.
final class RedisTimers: SagaTimers {
    /// How many are looked for at once.
    private static let dueMaximum = 2048
    /// How many one script fires; more would keep the server from others for too long.
    private static let batchMaximum = 256
    private static let renewalMaximum = 1000

    private let redis: RedisClient
    private let service: String
    private let names: SagaKeys
    private let route: String
    private let naming: SagaNaming
    private let letterTimeToLive: Duration
    /// The time that a timer has from its beginning.
    private let grace: Duration
    /// The epoch in which timers are known to have their time.
    private let renewed = Mutex<RedisEpoch?>(nil)

    init(
        _ plan: ParticipantPlan, redis: RedisClient, names: SagaKeys, letterTimeToLive: Duration
    ) {
        self.redis = redis
        self.names = names
        self.letterTimeToLive = letterTimeToLive
        service = plan.name
        route = plan.route
        naming = plan.naming
        grace = plan.lifecycle?.deadline ?? .zero
    }

    func fireDue() async throws(SagaError) -> FiredTimers {
        let epoch = redis.followEpoch()
        if renewed.withLock({ $0 != epoch }) {
            try await renew(in: epoch)
            renewed.withLock { $0 = epoch }
        }
        let reply: RedisValue
        do {
            reply = try await redis.evaluate(
                TimerScript.due, keys: [names.timers(service)],
                arguments: [.integer(Self.dueMaximum)], in: epoch)
        } catch {
            throw SagaError(error)
        }
        let answer = try decoding { () throws(RedisError) in try reply.requireArray() }
        var fired = FiredTimers()
        var timers: [Timer] = []
        fired.set = answer.count > 1 ? answer[1].integer ?? 0 : 0
        for member in answer.dropFirst(2) {
            if let timer = Timer(member) {
                timers.append(timer)
            } else {
                fired.letters.append(try await setAside(member))
            }
        }
        fired.groups = try await fire(timers, in: epoch)
        if answer.count > Self.dueMaximum + 1 {
            fired.rest = .zero
        } else if let next = answer.first?.integer, next >= 0 {
            fired.rest = .milliseconds(max(next, 1))
        }
        return fired
    }

    func count(_ question: LoadQuestion) async throws(SagaError) -> LoadCount {
        let reply: RedisValue
        do {
            reply = try await redis.evaluate(
                LoadScript.count,
                keys: [names.timers(service)]
                    + ([question.begins] + question.ends).map {
                        names.stream($0, owner: service)
                    },
                arguments: [.integer(question.deadline.milliseconds)])
        } catch {
            throw SagaError(error)
        }
        let counts = try decoding { () throws(RedisError) in try reply.requireArray() }
            .map { $0.integer ?? 0 }
        guard counts.count == 3 + question.ends.count else {
            throw SagaError(.unexpectedState, "the counts of timers and events cannot be read")
        }
        return LoadCount(
            begun: counts[2], ended: counts[3...].reduce(0, +), timers: counts[0],
            farTimers: counts[1])
    }

    /// Gives each timer its whole time again if Redis holds the data of another identity.
    ///
    /// Who may not be told the identity goes without.
    private func renew(in epoch: RedisEpoch) async throws(SagaError) {
        do throws(RedisError) {
            guard let identity = try await identity(in: epoch) else { return }
            var (end, moved) = (0, Self.renewalMaximum)
            while moved == Self.renewalMaximum {
                let answer = try await redis.evaluate(
                    TimerScript.renew, keys: [names.timers(service), names.cursor(service)],
                    arguments: [
                        .string("\(identity.runID) \(identity.replicationID)"),
                        .integer(grace.milliseconds), .integer(Self.renewalMaximum), .integer(end),
                    ], in: epoch)
                end = answer[0]?.integer ?? 0
                moved = answer[1]?.integer ?? 0
            }
        } catch {
            throw SagaError(error)
        }
    }

    private func identity(in epoch: RedisEpoch) async throws(RedisError) -> ServerIdentity? {
        do {
            return ServerIdentity(try await redis.send(ServerIdentity.question, in: epoch))
        } catch {
            if error.outcome == .answered { return nil }
            throw error
        }
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
    private func setAside(_ member: RedisValue) async throws(SagaError) -> DeadLetter {
        let bytes = member.buffer.map { Array($0.readableBytesView) } ?? []
        let letter = DeadLetter(
            event: bytes, stream: names.timers(service),
            id: String(decoding: bytes.prefix(128), as: UTF8.self), reason: .undecodable,
            error: "not a timer, which is an event type, a space and a saga ID", attempts: 0,
            firstTime: SystemTime.milliseconds(), lastTime: SystemTime.milliseconds())
        _ = try await DeadLetterScript(
            redis: redis, names: names, service: service, naming: naming
        ).keep(letter, nil, timeToLive: letterTimeToLive)
        do {
            _ = try await redis.send(
                RedisCommand("ZREM", [.string(names.timers(service)), .bytes(bytes)]))
        } catch {
            throw SagaError(error)
        }
        return letter
    }

    /// Those of one type go in batches that do not wait for each other: what handles the first of
    /// their events keeps the server busy, too.
    private func fire(
        _ timers: [Timer], in epoch: RedisEpoch
    ) async throws(SagaError) -> [FiredTimers.Group] {
        let batches = Dictionary(grouping: timers, by: \.event).flatMap { type, due in
            stride(from: 0, to: due.count, by: Self.batchMaximum).map {
                (type, Array(due[$0...].prefix(Self.batchMaximum)))
            }
        }
        let results = await withTaskGroup(of: Result<FiredTimers.Group, SagaError>.self) { group in
            for (type, due) in batches {
                group.addTask {
                    do throws(SagaError) {
                        return .success(try await self.fire(due, type, in: epoch))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var groups: [FiredTimers.Group] = []
        for result in results { groups.append(try result.get()) }
        return groups
    }

    private func fire(
        _ timers: [Timer], _ type: String, in epoch: RedisEpoch
    ) async throws(SagaError) -> FiredTimers.Group {
        var arguments: [RedisArgument] = [.string(type), .string(names.channel(type))]
        for timer in timers {
            let sagaID = naming.sagaID(of: timer.sagaID)
            let event = CloudEvent(
                source: "/\(service)", type: type, subject: sagaID,
                coordination: "choreography", route: route, data: Array("{}".utf8))
            arguments += [
                .string(timer.member), .string(event.id), .string(sagaID),
                .bytes(event.json()),
            ]
        }
        do {
            let answer = try await redis.evaluate(
                TimerScript.fire,
                keys: [names.timers(service), names.stream(type, owner: service)],
                arguments: arguments, in: epoch)
            return FiredTimers.Group(
                type: type, count: answer[0]?.integer ?? 0, silence: answer[1]?.string)
        } catch {
            throw SagaError(error)
        }
    }
}
