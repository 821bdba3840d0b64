import NIOCore
import Synchronization

// One call on its way. Reply, time-out, cancellation and loss of the connection race for it;
// whoever moves the phase to `finished` first resumes the caller, the others do nothing.
//
//   preparing ──begin──▶ waiting ──markSent──▶ sent
//       │                   │                   │
//       └───────────────────┴────── finish ─────┴──▶ finished
//
// A finished call that was sent keeps its place in the line, because its reply still comes
// and must not be taken for the next call's.

/// A command, or a batch written in one piece, that waits for its reply or replies.
final class PendingCall: @unchecked Sendable {
    typealias Results = [Result<RedisValue, RedisError>]

    private enum Phase {
        static let preparing: UInt8 = 0
        static let waiting: UInt8 = 1
        static let sent: UInt8 = 2
        static let finished: UInt8 = 3
    }

    /// So that no sum of times overflows.
    private static let timeoutMaximum = Duration.seconds(365 * 24 * 3600)

    private let phase = Atomic<UInt8>(Phase.preparing)
    /// What metrics call it.
    let name: String
    /// Number of replies that belong to it.
    let replies: Int
    let timeout: Duration
    /// The only epoch in which it may be sent; nil for any.
    let epoch: RedisEpoch?

    // Set once before the call is shared, through `begin`.
    private var one: UnsafeContinuation<RedisValue, any Error>?
    private var many: UnsafeContinuation<Results, any Error>?

    // Touched on the connection's event loop only.
    private var bytes: [UInt8]
    private var results: Results = []
    private var received = 0
    var arrivedAt = NIODeadline.uptimeNanoseconds(0)
    var deadline = NIODeadline.distantFuture
    var sentAt = NIODeadline.uptimeNanoseconds(0)

    init(_ command: RedisCommand, timeout: Duration, epoch: RedisEpoch? = nil) {
        name = command.name
        self.epoch = epoch
        bytes = command.encoded
        replies = 1
        self.timeout = min(timeout, Self.timeoutMaximum)
    }

    init(batch: [RedisCommand], timeout: Duration, epoch: RedisEpoch? = nil) {
        name = "batch"
        self.epoch = epoch
        replies = batch.count
        self.timeout = min(timeout, Self.timeoutMaximum)
        bytes = []
        bytes.reserveCapacity(batch.reduce(0) { $0 + $1.encoded.count })
        for command in batch { bytes.append(contentsOf: command.encoded) }
        results.reserveCapacity(batch.count)
    }

    var byteCount: Int { bytes.count }

    /// Whether nobody waits for it any more.
    var isFinished: Bool { phase.load(ordering: .relaxed) == Phase.finished }

    /// Takes the caller's continuation.
    ///
    /// False if the call was cancelled before; it has been resumed then.
    func begin(_ continuation: UnsafeContinuation<RedisValue, any Error>) -> Bool {
        one = continuation
        return begin()
    }

    func begin(_ continuation: UnsafeContinuation<Results, any Error>) -> Bool {
        many = continuation
        return begin()
    }

    private func begin() -> Bool {
        let (won, _) = phase.compareExchange(
            expected: Phase.preparing, desired: Phase.waiting, ordering: .acquiringAndReleasing)
        if !won { resume(throwing: Self.cancelled(.notSent)) }
        return won
    }

    /// Ends the call from any thread because its task was cancelled.
    func cancel() {
        switch phase.exchange(Phase.finished, ordering: .acquiringAndReleasing) {
        case Phase.waiting: resume(throwing: Self.cancelled(.notSent))
        case Phase.sent: resume(throwing: Self.cancelled(.unknown))
        default: break
        }
    }

    private static func cancelled(_ outcome: RedisError.Outcome) -> RedisError {
        RedisError(.cancelled, "the call was cancelled", outcome: outcome)
    }

    /// Appends the bytes to what is about to be written, unless the call has ended.
    func markSent(_ now: NIODeadline, into buffer: inout ByteBuffer) -> Bool {
        let (won, _) = phase.compareExchange(
            expected: Phase.waiting, desired: Phase.sent, ordering: .acquiringAndReleasing)
        guard won else { return false }
        buffer.writeBytes(bytes)
        bytes = []
        sentAt = now
        return true
    }

    /// Takes the next reply.
    ///
    /// True when it was the last one.
    func receive(_ reply: RedisValue) -> Bool {
        received += 1
        if let one {
            if finish() { one.answer(reply) }
        } else if !isFinished {
            results.append(reply.error.map { .failure($0) } ?? .success(reply))
            if received == replies, finish() { many?.resume(returning: results) }
        }
        return received == replies
    }

    /// Ends the call with an error.
    ///
    /// A batch of which some replies came keeps those.
    ///
    /// - Parameter reason: its outcome is replaced by what is true for this call.
    func fail(_ reason: RedisError) {
        let before = phase.exchange(Phase.finished, ordering: .acquiringAndReleasing)
        guard before == Phase.waiting || before == Phase.sent else { return }
        let outcome = before == Phase.sent ? RedisError.Outcome.unknown : .notSent
        let error = RedisError(reason.code, reason.message, outcome: outcome, cause: reason.cause)
        if let many, received > 0 {
            while results.count < replies { results.append(.failure(error)) }
            many.resume(returning: results)
        } else {
            resume(throwing: error)
        }
    }

    private func finish() -> Bool {
        phase.exchange(Phase.finished, ordering: .acquiringAndReleasing) != Phase.finished
    }

    private func resume(throwing error: RedisError) {
        one?.resume(throwing: error)
        many?.resume(throwing: error)
    }
}

extension UnsafeContinuation where T == RedisValue, E == any Error {
    fileprivate func answer(_ reply: RedisValue) {
        if let error = reply.error { resume(throwing: error) } else { resume(returning: reply) }
    }
}
