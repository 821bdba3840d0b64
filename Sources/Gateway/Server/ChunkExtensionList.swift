/// What may stand behind a chunk's size (RFC 9112 section 7.1.1); nothing of it is used.
///
///     *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )
struct ChunkExtensionList {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Whether all of the bytes are extensions.
    var isValid: Bool {
        var rest = self
        return rest.readAll()
    }

    private mutating func readAll() -> Bool {
        while position < bytes.count {
            skipSpace()
            guard skip(UInt8(ascii: ";")) else { return false }
            skipSpace()
            guard skipToken() else { return false }
            let nameEnd = position
            skipSpace()
            if skip(UInt8(ascii: "=")) {
                skipSpace()
                guard skipQuoted() || skipToken() else { return false }
            } else {
                position = nameEnd
            }
        }
        return true
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while skip(0x20) || skip(0x09) {}
    }

    private mutating func skipToken() -> Bool {
        let start = position
        while position < bytes.count, ByteClass.of(bytes[position]).contains(.token) {
            position += 1
        }
        return position > start
    }

    /// A backslash takes the byte behind it for what it is; a string that does not end is none.
    private mutating func skipQuoted() -> Bool {
        let start = position
        guard skip(UInt8(ascii: "\"")) else { return false }
        while position < bytes.count, ByteClass.of(bytes[position]).contains(.fieldValue) {
            if skip(UInt8(ascii: "\"")) { return true }
            if skip(UInt8(ascii: "\\")) {
                guard position < bytes.count,
                    ByteClass.of(bytes[position]).contains(.fieldValue)
                else { break }
            }
            position += 1
        }
        position = start
        return false
    }
}
