/// Arguments encoded as they come, for commands that have many of them.
///
/// An array of `RedisArgument` holds each of them twice for a moment, as a value and in RESP;
/// this holds only the latter.
public struct RedisArguments: Sendable {
    /// How many there are.
    public private(set) var count = 0
    /// Bytes that they take.
    private(set) var byteCount = 0
    /// Bulk strings, one after another, and behind them room for more.
    ///
    /// The room is initialised, so that an argument is written in one go wherever it fits.
    private var memory: [UInt8]

    /// No arguments yet.
    ///
    /// - Parameter capacity: bytes that are probably needed.
    public init(capacity: Int = 0) {
        memory = capacity > 0 ? [UInt8](repeating: 0, count: capacity) : []
    }

    /// Adds a text as UTF-8.
    public mutating func append(_ text: String) {
        write(1, RESPWriter.bulkLength(text.utf8.count)) { $0.write(text) }
    }

    /// Adds bytes as they are.
    public mutating func append(_ bytes: [UInt8]) {
        write(1, RESPWriter.bulkLength(bytes.count)) { writer in
            bytes.withUnsafeBytes { writer.write($0) }
        }
    }

    /// Adds a number as decimal digits.
    public mutating func append(_ number: Int) {
        write(1, RESPWriter.bulkLength(RESPWriter.digits(number))) { $0.write(number) }
    }

    /// Adds the shortest decimal text from which the same number is read again; for scores.
    public mutating func append(_ number: Double) {
        append(RedisArgument.text(of: number))
    }

    /// Adds all of another's.
    public mutating func append(contentsOf other: RedisArguments) {
        write(other.count, other.byteCount) { writer in
            other.withEncoded { writer.copy($0) }
        }
    }

    func withEncoded(_ body: (UnsafeRawBufferPointer) -> Void) {
        memory.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<byteCount])) }
    }

    private mutating func write(
        _ arguments: Int, _ length: Int, _ body: (inout RESPWriter) -> Void
    ) {
        let start = byteCount
        let end = start + length
        if end > memory.count { grow(to: end) }
        memory.withUnsafeMutableBufferPointer { memory in
            guard let base = memory.baseAddress else { return }
            var writer = RESPWriter(base + start)
            body(&writer)
        }
        byteCount = end
        count += arguments
    }

    private mutating func grow(to needed: Int) {
        let size = max(needed, 2 * memory.count, 64)
        memory.append(contentsOf: [UInt8](repeating: 0, count: size - memory.count))
    }
}
