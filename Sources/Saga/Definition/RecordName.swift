import PlainText

/// Names a record of a participant: `"payment:\(orderID)"`.
///
/// What is interpolated is percent-encoded, so that no ID from a user can reach into another
/// record's name or a key's hash tag; what stands in the literal is taken as it is.
public struct RecordName: Hashable, Sendable, CustomStringConvertible {
    package let encoded: String

    /// The name of one record of an entity.
    public init(_ entity: String, id: String) {
        encoded = entity + ":" + PercentEncoding.encode(id)
    }

    /// The name as it stands in a key.
    public var description: String { encoded }
}

extension RecordName: ExpressibleByStringInterpolation {
    /// Gathers literal parts as they are and values percent-encoded.
    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        /// Makes room for the text.
        public init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 36)
        }

        /// Appends a literal part as it is.
        public mutating func appendLiteral(_ literal: String) { text += literal }

        /// Appends a value percent-encoded.
        public mutating func appendInterpolation(_ value: some CustomStringConvertible) {
            text += PercentEncoding.encode(value.description)
        }
    }

    /// A name without IDs, taken as it is.
    public init(stringLiteral: String) { encoded = stringLiteral }

    /// A name with IDs, which are encoded.
    public init(stringInterpolation: StringInterpolation) { encoded = stringInterpolation.text }
}
