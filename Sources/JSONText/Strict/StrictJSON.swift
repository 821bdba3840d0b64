/// A JSON value as it was written, read strictly.
///
/// Members keep their order, and numbers their kind: `1` is an integer, `1.0` is not. Integers
/// beyond 64 bits are decimals.
public enum StrictJSON: Sendable, Hashable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction and exponent that fits 64 bits.
    case integer(Int64)
    /// Every other number.
    case decimal(Double)
    /// A text.
    case string(String)
    /// An array.
    case array([StrictJSON])
    /// An object; no name comes twice.
    case object([Member])

    /// A name and its value in an object.
    public struct Member: Sendable, Hashable {
        /// The name.
        public var name: String
        /// The value.
        public var value: StrictJSON

        /// A member of an object.
        public init(name: String, value: StrictJSON) {
            self.name = name
            self.value = value
        }
    }

    /// The member of that name, if this is an object that has it.
    public subscript(_ name: String) -> StrictJSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The text, if this is one.
    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The integer, if this is one.
    public var integer: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    /// The elements, if this is an array.
    public var array: [StrictJSON]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// What a person would call a value of this kind.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .decimal: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
