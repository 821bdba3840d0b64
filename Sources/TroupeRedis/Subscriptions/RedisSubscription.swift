public import NIOCore
import Synchronization

/// A message published on a channel.
public struct RedisMessage: Sendable, Hashable {
    /// Where it was published.
    public var channel: String
    /// The pattern through which it came, if it did.
    public var pattern: String?
    /// What was published.
    public var payload: ByteBuffer
}

/// What a subscriber learns.
public enum RedisSubscriptionEvent: Sendable, Hashable {
    /// Everything asked for is in place: messages published from here on come.
    ///
    /// It is the first event, and follows every interruption.
    case active
    /// The connection was lost or silent, or the subscriber was too slow for its buffer.
    ///
    /// Messages may be missing until the next `active`.
    case interrupted
    /// A message came.
    case message(RedisMessage)
}

/// Messages of some channels and patterns, with a word on every gap.
///
/// It is iterated once, by one task. It unsubscribes when that iteration ends, when its task
/// is cancelled, or when nobody holds the subscription any more. It ends by itself when the
/// client is shut down.
public struct RedisSubscription: AsyncSequence, Sendable {
    /// An iteration never fails; interruptions are events.
    public typealias Failure = Never
    /// Messages, and the gaps between them.
    public typealias Element = RedisSubscriptionEvent

    /// What waits for a slow subscriber.
    public enum Buffer: Sendable, Hashable {
        /// This many messages.
        ///
        /// When they are exceeded they are all dropped, and the subscriber gets `interrupted` and
        /// `active` in their place.
        case bounded(Int)
        /// One message at most; those that come while it waits are the same ring.
        case doorbell
    }

    private let mailbox: SubscriptionMailbox

    init(_ mailbox: SubscriptionMailbox) {
        self.mailbox = mailbox
    }

    /// Begins the one iteration.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(iteration: Iteration(mailbox))
    }

    /// Unsubscribes; an iteration under way ends.
    public func cancel() {
        mailbox.cancel()
    }

    /// Hands out the events.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let iteration: Iteration

        /// Waits for the next event; nil when the task is cancelled or the client is shut down.
        public mutating func next() async -> RedisSubscriptionEvent? {
            await iteration.mailbox.next()
        }

        /// Waits for the next event; nil when the task is cancelled or the client is shut down.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async -> RedisSubscriptionEvent? {
            await iteration.mailbox.next()
        }
    }

    /// Ends the subscription when its iterator goes.
    fileprivate final class Iteration: Sendable {
        let mailbox: SubscriptionMailbox

        init(_ mailbox: SubscriptionMailbox) {
            self.mailbox = mailbox
        }

        deinit {
            mailbox.cancel()
        }
    }
}

/// Where the event loop leaves events and the subscriber fetches them.
final class SubscriptionMailbox: Sendable {
    private struct Content {
        var queue: SubscriptionQueue
        var reader: UnsafeContinuation<RedisSubscriptionEvent?, Never>?
        var isEnded = false
        var onCancel: (@Sendable () -> Void)?
    }

    private typealias Delivery = (
        reader: UnsafeContinuation<RedisSubscriptionEvent?, Never>, event: RedisSubscriptionEvent?
    )

    private let content: Mutex<Content>

    init(_ buffer: RedisSubscription.Buffer) {
        content = Mutex(Content(queue: SubscriptionQueue(buffer)))
    }

    deinit {
        cancel()
    }

    /// Says how to unsubscribe; called once, before the subscription is handed out.
    func whenCancelled(_ action: @escaping @Sendable () -> Void) {
        content.withLock { $0.onCancel = action }
    }

    func push(_ event: RedisSubscriptionEvent) {
        let delivery = content.withLock { content -> Delivery? in
            guard !content.isEnded else { return nil }
            content.queue.push(event)
            guard let reader = content.reader else { return nil }
            content.reader = nil
            return (reader, content.queue.pop())
        }
        if let (reader, event) = delivery { reader.resume(returning: event) }
    }

    func next() async -> RedisSubscriptionEvent? {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let answer = content.withLock { content -> RedisSubscriptionEvent?? in
                    if content.isEnded || content.reader != nil { return .some(nil) }
                    if let event = content.queue.pop() { return event }
                    content.reader = continuation
                    return .none
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            cancel()
        }
    }

    /// Unsubscribes and ends the iteration.
    func cancel() {
        end()?()
    }

    /// Ends the iteration.
    ///
    /// - Returns: how to unsubscribe, the first time.
    @discardableResult
    func end() -> (@Sendable () -> Void)? {
        let (reader, action) = content.withLock { content in
            defer {
                content.isEnded = true
                content.reader = nil
                content.onCancel = nil
            }
            return (content.reader, content.onCancel)
        }
        reader?.resume(returning: nil)
        return action
    }
}
