import NIOCore

/// Names requests that bring no name: a random half for the event loop, and a count.
///
/// Counting is enough to tell requests apart, and a hit cannot afford a random number.
struct RequestNamer {
    private var digits: [UInt8]

    init() {
        let start = UInt64.random(in: .min ... .max)
        let hex = Array("0123456789abcdef".utf8)
        digits = (0..<16).map { hex[Int(start >> (4 * UInt64($0)) & 15)] }
        digits += [UInt8](repeating: UInt8(ascii: "0"), count: 16)
    }

    /// Counts on and writes the name.
    mutating func writeNext(into buffer: inout ByteBuffer) {
        advance()
        buffer.writeBytes(digits)
    }

    mutating func next() -> String {
        advance()
        return String(decoding: digits, as: UTF8.self)
    }

    private mutating func advance() {
        var index = digits.count - 1
        while index >= 16 {
            switch digits[index] {
            case UInt8(ascii: "9"): digits[index] = UInt8(ascii: "a")
            case UInt8(ascii: "f"):
                digits[index] = UInt8(ascii: "0")
                index -= 1
                continue
            default: digits[index] += 1
            }
            return
        }
    }
}
