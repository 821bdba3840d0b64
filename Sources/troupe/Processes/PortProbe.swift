import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Looks at TCP ports of this machine.
enum PortProbe {
    /// Why a server cannot listen somewhere.
    enum Obstacle: Equatable {
        case taken
        /// The address is not one of this machine.
        case foreignAddress
    }

    /// What keeps a server from listening there now; nil if nothing does.
    static func obstacle(host: String, port: Int) async -> Obstacle? {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        do {
            let channel = try await bootstrap.bind(host: host, port: port).get()
            try? await channel.close().get()
            return nil
        } catch let error as IOError where error.errnoCode == EADDRNOTAVAIL {
            return .foreignAddress
        } catch {
            return .taken
        }
    }

    /// Whether a server could listen there now.
    static func isFree(host: String, port: Int) async -> Bool {
        await obstacle(host: host, port: port) == nil
    }

    /// Fails when a server could not listen there, with what to do.
    ///
    /// - Parameters:
    ///   - name: who would listen, and with which option its address is named.
    ///   - taken: what to say when somebody else does.
    static func expectFree(
        _ name: (String, option: String), host: String, port: Int, taken: CommandFailure
    ) async throws(CommandFailure) {
        switch await obstacle(host: host, port: port) {
        case nil: return
        case .taken: throw taken
        case .foreignAddress:
            throw CommandFailure(
                .usage, "\(host), for \(name.0), is not an address of this machine",
                remedy: "\(name.option) \(Addresses.host), or an address that `ip address` shows")
        }
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
