import NIOCore

// A command on the wire is an array of bulk strings:
//
//   *3\r\n $3\r\nSET\r\n $5\r\nhello\r\n $2\r\n42\r\n
//
// The exact length is counted first, so that one command costs one allocation.

/// Writes RESP into memory of which the caller has counted the length.
struct RESPWriter {
    private let memory: UnsafeMutablePointer<UInt8>
    private(set) var count = 0

    init(_ memory: UnsafeMutablePointer<UInt8>) {
        self.memory = memory
    }

    /// Encodes a command and its arguments, followed by those in `more`.
    static func encode(
        _ name: String, _ arguments: [RedisArgument], _ more: [RedisArguments] = []
    ) -> [UInt8] {
        let count = more.reduce(arguments.count + 1) { $0 + $1.count }
        var length = headerLength(count) + bulkLength(name.utf8.count)
        for argument in arguments { length += bulkLength(argument.byteCount) }
        for encoded in more { length += encoded.byteCount }
        return [UInt8](unsafeUninitializedCapacity: length) { memory, initialized in
            guard let base = memory.baseAddress else { return }
            var writer = RESPWriter(base)
            writer.write(header: UInt8(ascii: "*"), count)
            writer.write(name)
            for argument in arguments { writer.write(argument) }
            for encoded in more { encoded.withEncoded { writer.copy($0) } }
            initialized = writer.count
        }
    }

    private mutating func write(_ argument: RedisArgument) {
        switch argument {
        case .string(let text):
            write(text)
        case .integer(let number):
            write(number)
        case .bytes(let bytes):
            bytes.withUnsafeBytes { write($0) }
        case .buffer(let buffer):
            buffer.withUnsafeReadableBytes { write($0) }
        }
    }

    mutating func write(_ number: Int) {
        write(header: UInt8(ascii: "$"), Self.digits(number))
        write(decimal: number)
        writeLineEnd()
    }

    mutating func write(_ text: String) {
        let utf8 = text.utf8
        let written: Void? = utf8.withContiguousStorageIfAvailable {
            write(UnsafeRawBufferPointer($0))
        }
        guard written == nil else { return }
        write(header: UInt8(ascii: "$"), utf8.count)
        for byte in utf8 { append(byte) }
        writeLineEnd()
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        write(header: UInt8(ascii: "$"), bytes.count)
        copy(bytes)
        writeLineEnd()
    }

    mutating func copy(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        UnsafeMutableRawPointer(memory + count).copyMemory(from: base, byteCount: bytes.count)
        count += bytes.count
    }

    private mutating func write(header mark: UInt8, _ number: Int) {
        append(mark)
        write(decimal: number)
        writeLineEnd()
    }

    private mutating func write(decimal number: Int) {
        if number >= 0, number < 10 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number))
            return
        }
        let length = Self.digits(number)
        var rest = number.magnitude
        var place = count + length
        repeat {
            place -= 1
            memory[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        if number < 0 { memory[count] = UInt8(ascii: "-") }
        count += length
    }

    private mutating func writeLineEnd() {
        append(UInt8(ascii: "\r"))
        append(UInt8(ascii: "\n"))
    }

    private mutating func append(_ byte: UInt8) {
        memory[count] = byte
        count += 1
    }

    /// Characters of the number in decimal, its sign included.
    static func digits(_ number: Int) -> Int {
        var rest = number.magnitude / 10
        var length = number < 0 ? 2 : 1
        while rest > 0 {
            rest /= 10
            length += 1
        }
        return length
    }

    private static func headerLength(_ number: Int) -> Int { digits(number) + 3 }

    static func bulkLength(_ length: Int) -> Int { headerLength(length) + length + 2 }
}
