/// A call to another service brought nothing to act on.
public struct CallError: Error, CustomStringConvertible, CustomDebugStringConvertible {
    /// What went wrong.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name.
        public let description: String

        /// No connection was to be had, so that nothing went out: the call took no effect.
        public static let notSent = Self(description: "not_sent")

        /// Nothing came back in time: the call may or may not have taken effect.
        public static let noAnswer = Self(description: "no_answer")

        /// Something came back, but not what was agreed.
        public static let unreadable = Self(description: "unreadable")

        /// The answer has a status that says neither yes nor no.
        public static let unexpected = Self(description: "unexpected")
    }

    /// What went wrong.
    public var code: Code

    /// Says it in a sentence that is safe to show.
    public var message: String

    /// What lies behind it, for logs alone.
    public var cause: (any Error)?

    /// An error of a call.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// Code and message, without the cause.
    public var description: String { "\(code): \(message)" }

    /// The same with the cause, for logs.
    public var debugDescription: String {
        cause.map { "\(description) (\(String(reflecting: $0)))" } ?? description
    }
}
