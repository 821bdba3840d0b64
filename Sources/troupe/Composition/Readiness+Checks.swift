import Gateway
import GatewayRedis
import ServiceHTTP

extension Readiness.Check {
    /// Readiness goes by what can be done on a Redis.
    ///
    /// - Parameter degrades: what may pass by itself makes the process slower and no worse.
    static func redis(_ name: String, _ watch: RedisWatch, degrades: Bool) -> Readiness.Check {
        Readiness.Check(name) { try await watch.verify(degrades: degrades) }
    }

    /// A check that fails when a gateway's cache cannot come back into use.
    ///
    /// All gateways see the same Redis, so what passes by itself must not make them all unready at
    /// once: a cache that is held after a gap only degrades, and patience begins anew when Redis
    /// works again.
    static func feed(
        status: @escaping @Sendable () -> FeedStatus,
        unless isBearable: @escaping @Sendable () async -> Bool
    ) -> Readiness.Check {
        let lasting = Readiness.Check(
            "feed",
            trouble: {
                guard case .suspended(let since, let reason) = status() else { return nil }
                return Trouble(age: Moment.now() - since, reason: reason)
            }, unless: isBearable)
        return Readiness.Check(lasting.name) {
            if case .held(_, let reason) = status() { throw Readiness.Degraded(reason) }
            try await lasting.verify()
        }
    }
}
