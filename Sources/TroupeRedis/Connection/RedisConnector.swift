import NIOCore
import NIOPosix

/// Opens sockets to one server.
struct RedisConnector: Sendable {
    let configuration: RedisConfiguration
    private let tls: RedisTLS?
    private let serverName: String?
    private let fault: RedisError?

    /// Reads the trusted authorities.
    ///
    /// Settings that cannot work are told to whoever connects.
    init(_ configuration: RedisConfiguration) {
        self.configuration = configuration
        do throws(RedisError) {
            _ = try configuration.validated()
            tls = try configuration.tls.map { settings throws(RedisError) in
                try RedisTLS(settings)
            }
            fault = nil
        } catch {
            tls = nil
            fault = error
        }
        var name = configuration.tls?.serverName
        if name == nil, case .tcp(let host, _) = configuration.address { name = host }
        // Server names on the wire are never addresses (RFC 6066, section 3).
        serverName = name.flatMap { (try? SocketAddress(ipAddress: $0, port: 0)) == nil ? $0 : nil }
    }

    /// Starts connecting.
    ///
    /// The owner hears of everything that follows, also of failure.
    func connect(on loop: any EventLoop, owner: any LinkOwner & Sendable) {
        if let fault {
            loop.execute { owner.linkLost(fault) }
            return
        }
        guard let bootstrap = ClientBootstrap(validatingGroup: loop) else {
            owner.linkLost(
                RedisError(.invalidConfiguration, "the event loop is not one of NIOPosix"))
            return
        }
        let prepared =
            bootstrap
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 2048, initial: 16 * 1024, maximum: 64 * 1024)
            )
            .channelOption(
                .writeBufferWaterMark,
                value: ChannelOptions.Types.WriteBufferWaterMark(
                    low: max(1, configuration.bytesQueued / 2), high: configuration.bytesQueued)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try prepare(channel) }
            }
        let channel =
            switch configuration.address {
            case .tcp(let host, let port):
                prepared.channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .connect(host: host, port: port)
            case .unix(let path):
                prepared.connect(unixDomainSocketPath: path)
            }
        channel.assumeIsolated().whenComplete { result in
            do {
                let pipeline = try result.get().pipeline.syncOperations
                try pipeline.handler(type: RedisLink.self).start(owner)
            } catch {
                owner.linkLost(ConnectFailure.error(error))
            }
        }
    }

    private func prepare(_ channel: any Channel) throws {
        try tls?.add(to: channel, serverName: serverName)
        try channel.pipeline.syncOperations.addHandler(RedisLink(configuration: configuration))
    }
}
