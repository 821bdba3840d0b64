import ServiceHTTP
import Synchronization
import TroupeRedis

/// What can be done on a Redis now, for whoever asks and however often.
///
/// A rehearsal is good for half a second, so that probes of any number cost Redis two a second.
final class RedisWatch: Sendable {
    private let redis: RedisClient
    private let role: RedisRole
    private let last = Mutex<(at: ContinuousClock.Instant, found: [Shortcoming])?>(nil)
    private static let validity = Duration.milliseconds(500)
    /// A readiness check has a second.
    private static let limit = Duration.milliseconds(900)

    init(_ redis: RedisClient, as role: RedisRole) {
        self.redis = redis
        self.role = role
    }

    func shortcomings() async -> [Shortcoming] {
        let known = last.withLock { last in
            last.flatMap { $0.at + Self.validity > .now ? $0.found : nil }
        }
        if let known { return known }
        let found = await Rehearsal.shortcomings(of: redis, as: role, within: Self.limit)
        last.withLock { $0 = (.now, found) }
        return found
    }

    /// Throws what is wrong, as a fault or as something to be borne.
    func verify(degrades: Bool) async throws {
        let found = await shortcomings()
        guard !found.isEmpty else { return }
        let address = redis.configuration
        let reason = found.map { "\($0.what); try: \($0.remedy(on: address))" }
            .joined(separator: "; ")
        if degrades, found.allSatisfy({ !$0.isLasting }) { throw Readiness.Degraded(reason) }
        throw Readiness.Fault(reason)
    }

    /// Whether something is wrong that may pass by itself.
    func mayPass() async -> Bool { await shortcomings().contains { !$0.isLasting } }
}
