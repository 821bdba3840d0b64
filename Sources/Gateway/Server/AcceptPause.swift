import Logging
import NIOCore

/// Tells that accepting pauses because the system has no more descriptors.
///
/// Behind `AcceptBackoffHandler`, which makes the pause: without it the listening socket stays
/// readable, and its event loop would try again all the time.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    /// Time until the next try.
    static let length = TimeAmount.milliseconds(100)
    /// Tries are many, so not each is told.
    private static let silence = Duration.seconds(10)

    private let logger: Logger
    private var toldLast: Moment?

    init(logger: Logger) {
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let now = Moment.now()
        if let toldLast, now < toldLast + Self.silence { return }
        toldLast = now
        logger.error("gateway cannot accept; it tries again", metadata: ["error": "\(error)"])
    }

    /// Both handlers, in their order, on a listening channel.
    static func add(to channel: any Channel, logger: Logger) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandlers([
                AcceptBackoffHandler(shouldForwardIOErrorCaught: true) { _ in Self.length },
                AcceptPause(logger: logger),
            ])
        }
    }
}
