/// What can be wrong with how logging or metrics were set up.
///
/// Its description is safe to print: settings that may hold secrets are never part of it.
public struct ObservabilityError: Error, Sendable, CustomStringConvertible {
    /// The kind of fault, open for later kinds.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String { case invalidSetting }
        private let kind: Kind

        /// A setting has a value that nothing can be made of.
        public static let invalidSetting = Code(kind: .invalidSetting)

        /// The code as it is written in logs.
        public var description: String { kind.rawValue }
    }

    /// What went wrong.
    public var code: Code
    /// One sentence for the person who set it, saying what is allowed.
    public var message: String
    /// The fault below this one.
    public var cause: (any Error)?
    /// Whether the same call could succeed later.
    ///
    /// A wrong setting stays wrong.
    public var retry: Bool

    init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.retry = false
    }

    /// The message alone.
    public var description: String { message }
}
