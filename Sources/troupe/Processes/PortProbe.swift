import NIOCore
import NIOPosix

/// Looks at TCP ports of this machine.
enum PortProbe {
    /// Whether a server could listen there now.
    static func isFree(host: String, port: Int) async -> Bool {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        guard let channel = try? await bootstrap.bind(host: host, port: port).get() else {
            return false
        }
        try? await channel.close().get()
        return true
    }

    /// Whether a server listens there now.
    static func isAnswering(host: String, port: Int) async -> Bool {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(1))
        guard let channel = try? await bootstrap.connect(host: host, port: port).get() else {
            return false
        }
        try? await channel.close().get()
        return true
    }

    /// Waits until a server listens there; false when none does within the limit.
    static func becomesReady(host: String, port: Int, within limit: Duration) async -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + limit
        while !Task.isCancelled, clock.now < end {
            if await isAnswering(host: host, port: port) { return true }
            try? await clock.sleep(for: .milliseconds(25))
        }
        return false
    }
}
