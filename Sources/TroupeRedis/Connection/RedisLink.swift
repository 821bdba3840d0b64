import NIOCore

/// What a link tells its owner.
///
/// All calls come on the link's event loop.
protocol LinkOwner: AnyObject {
    /// Whether the greeting is to ask whose data the server holds.
    var asksIdentity: Bool { get }
    /// The network leads there; what the server says is still to come.
    func linkOpened()
    /// The server has greeted back; commands can be written.
    func linkReady(_ link: RedisLink)
    /// A reply came.
    func linkReceived(_ reply: RedisValue)
    /// All replies of one read were handed over.
    func linkFinishedReading()
    /// More can be written.
    func linkWritable()
    /// The link is gone.
    ///
    /// Comes once, also when the link never was ready.
    func linkLost(_ error: RedisError)
}

/// One socket: bytes to replies, commands to bytes, the greeting.
///
/// It knows nothing of callers.
final class RedisLink: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let reader: ReplyReader
    private let configuration: RedisConfiguration
    private var greeting: Greeting?
    /// Whose data the server held when it greeted, if it was asked and said so.
    private(set) var identity: ServerIdentity?
    private var owner: (any LinkOwner)?
    private var context: ChannelHandlerContext?
    private var greetingTimer: Scheduled<Void>?
    private var hasEnded = false

    init(configuration: RedisConfiguration) throws(RedisError) {
        var limits = ReplyReader.Limits()
        limits.replyBytes = configuration.replyBytesMaximum
        reader = try ReplyReader(limits: limits)
        greeting = Greeting(configuration)
        self.configuration = configuration
    }

    /// Whether the network takes more without holding too much.
    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Writes what was encoded.
    ///
    /// Failures close the channel, so none is reported here.
    func write(_ buffer: ByteBuffer) {
        context?.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    /// Greets the server and reports to `owner` from here on.
    ///
    /// A link that is never started lost the race against another address of the same host, and
    /// stays silent.
    func start(_ owner: any LinkOwner) {
        self.owner = owner
        guard let context, context.channel.isActive else {
            close(Self.gone)
            return
        }
        let greeting = Greeting(configuration, asksIdentity: owner.asksIdentity)
        self.greeting = greeting
        let link = NIOLoopBound(self, eventLoop: context.eventLoop)
        let limit = TimeAmount(configuration.connectTimeout)
        greetingTimer = context.eventLoop.scheduleTask(in: limit) {
            link.value.close(RedisError(.timedOut, "Redis does not answer the greeting"))
        }
        write(ByteBuffer(bytes: greeting.bytes))
        owner.linkOpened()
    }

    /// Gives the connection up; the owner hears `error` as the reason at once, because TLS
    /// can take seconds to close.
    func close(_ error: RedisError) {
        end(error)
        context?.close(promise: nil)
    }

    private static let gone = RedisError(
        .connectionLost, "Redis closed the connection", outcome: .unknown)

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(Self.gone)
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        do throws(RedisError) {
            try reader.read(&bytes) { receive($0) }
        } catch {
            close(error)
        }
    }

    private func receive(_ reply: RedisValue) {
        guard !hasEnded else { return }
        guard greeting != nil else {
            owner?.linkReceived(reply)
            return
        }
        switch greeting?.receive(reply) {
        case .ready:
            identity = greeting?.identity
            greeting = nil
            greetingTimer?.cancel()
            owner?.linkReady(self)
        case .failed(let error):
            close(error)
        case .more, nil:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if greeting == nil { owner?.linkFinishedReading() }
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if greeting == nil, context.channel.isWritable { owner?.linkWritable() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(Self.gone)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard greeting == nil else { return close(ConnectFailure.error(error)) }
        close(
            RedisError(
                .connectionLost, "the connection to Redis broke", outcome: .unknown, cause: error))
    }

    private func end(_ error: RedisError) {
        hasEnded = true
        greetingTimer?.cancel()
        guard let owner else { return }
        self.owner = nil
        owner.linkLost(error)
    }
}
