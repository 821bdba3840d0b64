/// Arguments encoded as they come, for commands that have many of them.
///
/// An array of `RedisArgument` holds each of them twice for a moment, as a value and in RESP;
/// this holds only the latter.
public struct RedisArguments: Sendable {
    /// How many there are.
    public private(set) var count = 0
    /// Bulk strings, one after another.
    private(set) var encoded: [UInt8] = []
    /// Bytes that they take.
    public var byteCount: Int { encoded.count }

    /// No arguments yet.
    ///
    /// - Parameter capacity: bytes that are probably needed.
    public init(capacity: Int = 0) {
        encoded.reserveCapacity(capacity)
    }

    /// Adds a text as UTF-8.
    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Adds bytes as they are.
    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Adds a number as decimal digits.
    public mutating func append(_ number: Int) {
        count += 1
        mark(UInt8(ascii: "$"), RESPWriter.digits(number))
        appendDecimal(number)
        endLine()
    }

    /// Adds the shortest decimal text from which the same number is read again; for scores.
    public mutating func append(_ number: Double) {
        append(RedisArgument.text(of: number))
    }

    /// Adds all of another's.
    public mutating func append(contentsOf other: RedisArguments) {
        count += other.count
        encoded.append(contentsOf: other.encoded)
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        count += 1
        mark(UInt8(ascii: "$"), bytes.count)
        encoded.append(contentsOf: bytes)
        endLine()
    }

    private mutating func mark(_ mark: UInt8, _ number: Int) {
        encoded.append(mark)
        appendDecimal(number)
        endLine()
    }

    private mutating func appendDecimal(_ number: Int) {
        if number < 0 { encoded.append(UInt8(ascii: "-")) }
        let magnitude = number.magnitude
        var unit: UInt = 1
        while magnitude / unit >= 10 { unit *= 10 }
        while unit > 0 {
            encoded.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude / unit % 10))
            unit /= 10
        }
    }

    private mutating func endLine() {
        encoded.append(UInt8(ascii: "\r"))
        encoded.append(UInt8(ascii: "\n"))
    }
}
