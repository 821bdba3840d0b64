import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Asks processes of this system whether they are ready, as whoever runs them would.
enum ReadinessProbe {
    private static let pause = Duration.milliseconds(50)

    /// Waits until all are; returns those that are not within the limit.
    ///
    /// - Parameter authorities: of their admin ports.
    static func unready(of authorities: [String], within limit: Duration) async -> [String] {
        let clock = ContinuousClock()
        let end = clock.now + limit
        var unready: [String] = []
        for authority in authorities {
            var isReady = await isReady(authority)
            while !isReady, !Task.isCancelled, clock.now < end {
                try? await clock.sleep(for: pause)
                isReady = await self.isReady(authority)
            }
            if !isReady { unready.append(authority) }
        }
        return unready
    }

    private static func isReady(_ authority: String) async -> Bool {
        let request = HTTPClientRequest(url: "http://\(authority)/readyz")
        let response = try? await HTTPClient.shared.execute(request, timeout: .seconds(1))
        return response?.status == .ok
    }
}
