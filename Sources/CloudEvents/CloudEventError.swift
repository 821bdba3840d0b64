/// Why a text is not an event that we can take.
public struct CloudEventError: Error, Hashable, CustomStringConvertible {
    /// What kind of fault it is.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String { case malformed, missing, invalid, unsupported }
        private let value: Value

        /// The text is not JSON, or not one JSON object.
        public static let malformed = Code(value: .malformed)
        /// A required attribute is absent.
        public static let missing = Code(value: .missing)
        /// An attribute has a value that its rules do not allow.
        public static let invalid = Code(value: .invalid)
        /// The event is sound, but of a `specversion` other than 1.0.
        public static let unsupported = Code(value: .unsupported)

        /// The kind in one word.
        public var description: String { value.rawValue }
    }

    /// What kind of fault it is.
    public var code: Code
    /// What is wrong, and where; safe to show, as it repeats no values.
    public var message: String
    /// Whether the same text can be taken later, which it never can.
    public var retry: Bool { false }

    /// The kind of fault and what is wrong.
    public var description: String { "\(code): \(message)" }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
