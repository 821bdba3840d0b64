/// What goes wrong in this library, as opposed to in a step.
public struct SagaError: Error, CustomStringConvertible, CustomDebugStringConvertible {
    /// What kind of fault it is.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String {
            case invalidDefinition, invalidConfiguration, undecodable, unavailable, outcomeUnknown
            case blocked, stopped, epochOver, unexpectedState, rejected, halfApplied
            case tooLarge
        }
        private let value: Value

        /// A participant's declaration breaks the rules; the message lists every fault.
        public static let invalidDefinition = Code(value: .invalidDefinition)
        /// A configuration value is out of its range.
        public static let invalidConfiguration = Code(value: .invalidConfiguration)
        /// A payload or an envelope cannot be decoded, or has a version to come.
        public static let undecodable = Code(value: .undecodable)
        /// Redis does not answer, and nothing was changed.
        public static let unavailable = Code(value: .unavailable)
        /// Redis was lost after the request went out, so it may have been done.
        public static let outcomeUnknown = Code(value: .outcomeUnknown)
        /// A compensation or a last step kept failing; a person has to look.
        public static let blocked = Code(value: .blocked)
        /// The runtime stops.
        public static let stopped = Code(value: .stopped)
        /// Redis may hold other data by now than the call was about, and nothing was changed:
        /// what it holds has to be read again.
        public static let epochOver = Code(value: .epochOver)
        /// A read brings more than one may, or takes too long for what it brings; what it took is
        /// pending.
        public static let tooLarge = Code(value: .tooLarge)
        /// The ledger says what cannot be: data was lost, or a foreign hand wrote it.
        public static let unexpectedState = Code(value: .unexpectedState)
        /// A transition failed after it had begun to write; a person has to look.
        public static let halfApplied = Code(value: .halfApplied)
        /// A condition did not hold where no failure event can say so.
        public static let rejected = Code(value: .rejected)

        /// The kind in one word.
        public var description: String { value.rawValue }
    }

    /// Whether doing the same again can help.
    public enum RetryAdvice: Sendable {
        /// It cannot.
        case never
        /// It can, after a while.
        case later
    }

    /// What kind of fault it is.
    public var code: Code
    /// What is wrong; safe to show.
    public var message: String
    /// What caused it; in the debug form only.
    public var cause: (any Error)?
    /// Whether trying again can help.
    public var retry: RetryAdvice
    /// What the store itself said, safe to show; nil if it said nothing.
    package var answer: String?

    /// Makes an error.
    public init(
        _ code: Code, _ message: String, retry: RetryAdvice = .never, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.retry = retry
    }

    /// The kind of fault and what is wrong, safe to show.
    public var description: String { "\(code): \(message)" }

    /// The same with the cause, for logs.
    public var debugDescription: String {
        guard let cause else { return description }
        return "\(description) (\(cause))"
    }
}
