import CloudEvents
import Logging
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
            } catch {
                failures += 1
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
        let members = answer.dropFirst().compactMap(\.string)
        try await fire(members)
        if members.count == Self.batchMaximum { return .zero }
        guard let next = answer.first?.integer, next >= 0 else { return Self.pauseMaximum }
        return min(max(.milliseconds(next), Self.pauseMinimum), Self.pauseMaximum)
    }

    private func fire(_ members: [String]) async throws(SagaError) {
        let timers = members.compactMap { member in
            TimerScript.parse(member).map { (member: member, event: $0.event, sagaID: $0.sagaID) }
        }
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
