/// What can be wrong with a server as such; for what is wrong with a request see ``Problem``.
///
/// Its description is safe to print.
public struct ServiceHTTPError: Error, Sendable, CustomStringConvertible,
    CustomDebugStringConvertible
{
    /// The kind of fault, open for later kinds.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case cannotListen
            case invalidConfiguration
            case stopOverdue
        }
        private let kind: Kind

        /// The address cannot be listened on, most often because another process does.
        public static let cannotListen = Code(kind: .cannotListen)
        /// A limit or a time makes no sense.
        public static let invalidConfiguration = Code(kind: .invalidConfiguration)
        /// Services did not stop in their time, and were left behind.
        public static let stopOverdue = Code(kind: .stopOverdue)

        /// The code as it is written in logs.
        public var description: String { kind.rawValue }
    }

    /// What went wrong.
    public var code: Code
    /// One sentence for whoever starts the server.
    public var message: String
    /// The fault below this one.
    public var cause: (any Error)?
    /// Whether the same call could succeed later.
    public var retry: Bool

    init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.retry = code == .cannotListen
    }

    /// The message alone.
    public var description: String { message }

    /// The message and what lies below it.
    public var debugDescription: String {
        cause.map { "\(message) (\($0))" } ?? message
    }
}
