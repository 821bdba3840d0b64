/// Why a call to Redis failed, and what its caller may do about it.
public struct RedisError: Error, Sendable {
    /// What went wrong, to be compared by callers.
    public var code: Code
    /// Safe to show to a client of the service: it holds no address, no key and no value.
    public var message: String
    /// What the network or the system said; for logs.
    public var cause: (any Error)?
    /// Whether the same call can succeed later.
    public var retry: Retry
    /// What is known about the command itself.
    public var outcome: Outcome

    /// Puts an error together; `retry` and `outcome` follow from the code unless given.
    public init(
        _ code: Code, _ message: String, outcome: Outcome = .notSent, retry: Retry? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.outcome = outcome
        self.retry = retry ?? Self.advice(code, outcome)
    }
}

extension RedisError {
    /// What went wrong.
    ///
    /// New codes may come, so a `switch` over them needs a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: Hashable {
            case connectionLost, timedOut, cancelled, protocolViolation, closed, overloaded
            case invalidConfiguration, unexpectedReply, epochOver
            case server(String)
        }

        private let kind: Kind

        /// There is no connection, or it broke before the reply came.
        public static let connectionLost = Code(kind: .connectionLost)
        /// The reply did not come within the command's time.
        public static let timedOut = Code(kind: .timedOut)
        /// The calling task was cancelled.
        public static let cancelled = Code(kind: .cancelled)
        /// The server sent what is not RESP2 or exceeds a limit; the connection was replaced.
        public static let protocolViolation = Code(kind: .protocolViolation)
        /// The client has been shut down, or the lease has ended.
        public static let closed = Code(kind: .closed)
        /// Too many commands wait already.
        public static let overloaded = Code(kind: .overloaded)
        /// A setting cannot be used.
        public static let invalidConfiguration = Code(kind: .invalidConfiguration)
        /// The reply is sound, but not of the shape that the command promises.
        public static let unexpectedReply = Code(kind: .unexpectedReply)

        /// The call was for an epoch that has ended: the server may hold other data by now.
        public static let epochOver = Code(kind: .epochOver)

        /// The server answered with an error that begins with this word, such as `WRONGTYPE`.
        public static func server(_ prefix: String) -> Code { Code(kind: .server(prefix)) }

        /// The first word of the server's error, or nil if the error is not the server's.
        public var serverPrefix: String? {
            if case .server(let prefix) = kind { prefix } else { nil }
        }

        /// The code's name, with the server's word in parentheses.
        public var description: String {
            if case .server(let prefix) = kind { "server(\(prefix))" } else { "\(kind)" }
        }
    }

    /// Whether trying again can help.
    public enum Retry: Sendable, Hashable {
        /// The same call fails again.
        case never
        /// The same call may succeed later, and doing it twice does no harm as far as is known.
        case later
        /// The command may have been executed; repeat it only if that does no harm.
        case ifIdempotent
    }

    /// What is known about the command when its call failed.
    public enum Outcome: Sendable, Hashable {
        /// It never left this process.
        case notSent
        /// It was sent, and nobody knows whether it was executed.
        case unknown
        /// The server answered.
        case answered
    }

    private static func advice(_ code: Code, _ outcome: Outcome) -> Retry {
        switch code {
        case .closed, .invalidConfiguration, .unexpectedReply, .cancelled, .epochOver: .never
        case .connectionLost, .timedOut, .protocolViolation, .overloaded:
            outcome == .notSent ? .later : .ifIdempotent
        default:
            transientPrefixes.contains(code.serverPrefix ?? "") ? .later : .never
        }
    }

    /// Whether the server says that the data which the command names is at fault: a key of another
    /// type, a value that is not a number or would exceed one, a text beyond its maximum.
    ///
    /// Everything else that a server answers is about itself, or about what its user may do, and
    /// can change without the command.
    package var provesDataAtFault: Bool {
        switch code.serverPrefix {
        case "WRONGTYPE": true
        case "ERR": Self.dataFaults.contains { message.contains($0) }
        default: false
        }
    }

    /// Whether the reply to this very call was larger than the client's limits allow.
    package var isReplyTooLarge: Bool { cause is ReplyTooLarge }

    /// Whether a read asked for more than can be brought at once: too large, or too slow.
    package var isTooMuch: Bool { isReplyTooLarge || code == .timedOut && outcome == .unknown }

    /// Whether a server took the connection and then said nothing: it hangs, or speaks something
    /// else than we do.
    package var isSilence: Bool {
        code == .timedOut || (cause as? RedisError)?.code == .timedOut
    }

    /// Whether the connection failed at its TLS.
    package var concernsTLS: Bool { cause.map(RedisTLS.isFault) ?? false }

    /// Whether the server says that it is not, or not yet, the one to write to.
    ///
    /// It stays so on this connection, while its address may lead to another server by now: after
    /// a failover the old primary is a replica, and does not close what is open.
    var turnsAway: Bool {
        switch code.serverPrefix {
        case "READONLY", "MASTERDOWN", "LOADING": true
        default: false
        }
    }

    private static let dataFaults = [
        "is not an integer", "would overflow", "is not a valid float", "exceeds maximum allowed",
    ]

    private static let transientPrefixes: Set<String> = [
        "LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN", "OOM", "MISCONF", "READONLY",
        "NOREPLICAS",
    ]

    /// Makes the error that a server's error reply stands for.
    package init(serverText text: String) {
        let prefix = text.prefix { $0 != " " }
        self.init(.server(String(prefix)), text, outcome: .answered)
    }
}

extension RedisError: CustomStringConvertible, CustomDebugStringConvertible {
    /// Code and message; safe to show to clients.
    public var description: String { "\(code): \(message)" }

    /// Everything that is known; for logs.
    public var debugDescription: String {
        let reason = cause.map { ", caused by \($0)" } ?? ""
        return "\(code): \(message) (outcome \(outcome), retry \(retry)\(reason))"
    }
}
