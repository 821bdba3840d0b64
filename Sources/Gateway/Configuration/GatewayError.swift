/// What went wrong in the gateway itself, apart from answers to clients.
public struct GatewayError: Error, Sendable {
    /// The kinds of failure; more may be added.
    public struct Code: Hashable, Sendable {
        private enum Kind { case invalidConfiguration, cannotListen, closed }
        private let kind: Kind

        /// The configuration was refused; the message lists each fault with its place.
        public static let invalidConfiguration = Code(kind: .invalidConfiguration)
        /// The port could not be listened on.
        public static let cannotListen = Code(kind: .cannotListen)
        /// The gateway has been stopped.
        public static let closed = Code(kind: .closed)
    }

    /// Which kind of failure it is.
    public var code: Code
    /// One or more lines for a person, safe to show.
    public var message: String
    /// What caused it, for the debug form only.
    public var cause: (any Error)?
    /// Whether the same call can succeed later without a change by a person.
    public var retry: Bool
    /// The faults of a configuration, in the order of the file.
    public var faults: [ConfigurationFault]

    /// A failure of the given kind.
    public init(
        _ code: Code, _ message: String, cause: (any Error)? = nil, retry: Bool = false,
        faults: [ConfigurationFault] = []
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.retry = retry
        self.faults = faults
    }
}

extension GatewayError: CustomStringConvertible {
    /// The message alone.
    public var description: String { message }
}

/// One thing wrong in a configuration file, and where.
public struct ConfigurationFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file as it was named by the caller.
    public var file: String
    /// Where in the file.
    public var place: ConfigurationPlace
    /// What is wrong, and what would be right.
    public var message: String

    /// `file:line:column: message`, the form that editors understand.
    public var description: String { "\(file):\(place.line):\(place.column): \(message)" }
}

/// A line and column of a configuration file, both from 1.
public struct ConfigurationPlace: Sendable, Hashable, Comparable {
    /// The line, from 1.
    public var line: Int
    /// The column, from 1.
    public var column: Int

    /// The place at that line and column.
    public init(line: Int = 1, column: Int = 1) {
        self.line = line
        self.column = column
    }

    /// Reading order.
    public static func < (one: ConfigurationPlace, other: ConfigurationPlace) -> Bool {
        (one.line, one.column) < (other.line, other.column)
    }
}
