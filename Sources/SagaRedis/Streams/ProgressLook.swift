import EventStreams
import Saga
import Synchronization
import TroupeRedis

/// Looks up how far groups have come, once a second for all who ask.
///
///     ask ─▶ looked up within the last second? ──yes──▶ the same look
///                         │ no
///                         ▼
///            XINFO GROUPS, XPENDING of those that have some
///
/// Streams and groups are those of a route, and so are few.
final class ProgressLook: Sendable {
    private typealias Look = Task<Result<[GroupState], SagaError>, Never>

    /// How long a look is good for.
    private static let life: Duration = .seconds(1)

    private let redis: RedisClient
    private let looks = Mutex<[String: (time: ContinuousClock.Instant, look: Look)]>([:])

    init(_ redis: RedisClient) {
        self.redis = redis
    }

    func progress(of group: String, in stream: String) async throws(SagaError) -> GroupProgress {
        let states = try await look(at: stream).value.get()
        guard let state = states.first(where: { $0.name == group }) else {
            throw SagaError(
                .unavailable, "stream \(stream) has no group \(group)", retry: .later)
        }
        return GroupProgress(
            unread: state.lag ?? 1, delivered: Int64(clamping: state.lastDelivered.milliseconds),
            oldestPending: state.oldestPending.map { Int64(clamping: $0.milliseconds) })
    }

    private func look(at stream: String) -> Look {
        looks.withLock { looks in
            let now = ContinuousClock.now
            if let known = looks[stream], now - known.time < Self.life { return known.look }
            let look = Look(executorPreference: redis.executor) { [redis] in
                do throws(SagaError) {
                    return .success(
                        try await redis.readIfAllowed { () throws(SagaError) in
                            try await Self.states(of: stream, redis)
                        })
                } catch {
                    return .failure(error)
                }
            }
            looks[stream] = (now, look)
            return look
        }
    }

    private static func states(
        of stream: String, _ redis: RedisClient
    ) async throws(SagaError) -> [GroupState] {
        var states = try await GroupState.all(of: stream, redis: redis)
        for index in states.indices {
            states[index].lag = try await states[index].unread(on: stream, redis: redis)
        }
        return states
    }
}
