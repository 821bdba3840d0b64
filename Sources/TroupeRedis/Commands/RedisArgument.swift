public import NIOCore

/// One argument of a command.
///
/// Redis takes any bytes; nothing is escaped or interpreted.
public enum RedisArgument: Sendable, Hashable {
    /// Sent as UTF-8.
    case string(String)
    /// Sent as decimal digits.
    case integer(Int)
    /// Sent as it is.
    case bytes([UInt8])
    /// The readable bytes of the buffer, sent as they are.
    case buffer(ByteBuffer)
}

extension RedisArgument: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral {
    /// A text, interpolated or not.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A number.
    public init(integerLiteral value: Int) { self = .integer(value) }
}

extension RedisArgument {
    /// The shortest decimal text from which the same number is read again; for scores.
    public static func double(_ value: Double) -> RedisArgument { .string(text(of: value)) }

    static func text(of value: Double) -> String {
        switch value {
        case .infinity: "+inf"
        case -.infinity: "-inf"
        default: "\(value)"
        }
    }

    var byteCount: Int {
        switch self {
        case .string(let text): text.utf8.count
        case .integer(let number): RESPWriter.digits(number)
        case .bytes(let bytes): bytes.count
        case .buffer(let buffer): buffer.readableBytes
        }
    }
}
