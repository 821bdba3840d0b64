/// What can keep the sandbox from working.
///
/// Its description is safe to print.
public struct SandboxError: Error, Sendable, CustomStringConvertible {
    /// The kind of fault, open for later kinds.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case fileUnusable
            case fileInUse
            case fileCorrupt
            case writeFailed
        }
        private let kind: Kind

        /// The file cannot be opened or created.
        public static let fileUnusable = Code(kind: .fileUnusable)
        /// Another process writes to the file.
        public static let fileInUse = Code(kind: .fileInUse)
        /// A line before the last one cannot be read.
        public static let fileCorrupt = Code(kind: .fileCorrupt)
        /// Writing failed; from here on nothing is promised any more.
        public static let writeFailed = Code(kind: .writeFailed)

        /// The code as it is written in logs.
        public var description: String { kind.rawValue }
    }

    /// What went wrong.
    public var code: Code
    /// One sentence for whoever runs the sandbox.
    public var message: String
    /// The fault below this one.
    public var cause: (any Error)?
    /// Whether the same call could succeed later.
    public var retry: Bool { code == .fileInUse }

    init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The message alone.
    public var description: String { message }
}
