// Most texts hold nothing out of the ordinary, which eight bytes at a time can show:
//
//     word             6f 72 64 22 2c 22 69 64      bytes of text, the first one lowest
//     word ^ 2222…     4d 50 46 00 0e 00 4b 46      0 where a byte is 22
//     … - 0101…        a 0 borrows from the byte above it, and so gets its highest bit set
//
// What stands above the lowest mark may be marked by a borrow alone. So only the lowest one is
// looked at, and a byte that is not plain never hides behind another.

extension UnsafeBufferPointer<UInt8> {
    /// How many bytes from `start` on are ASCII that stands in a JSON string as it is.
    @inlinable
    package func plainLength(from start: Int) -> Int {
        var position = start
        while let word = word(at: position) {
            let marks = Self.needEscapes(word) | (word & Self.highest)
            guard marks == 0 else { return position - start + marks.trailingZeroBitCount / 8 }
            position += 8
        }
        while position < count, !Self.needsEscape(self[position]), self[position] < 0x80 {
            position += 1
        }
        return position - start
    }

    /// Whether some byte cannot stand in a JSON string as it is.
    package var needEscapes: Bool {
        var position = 0
        while let word = word(at: position) {
            if Self.needEscapes(word) != 0 { return true }
            position += 8
        }
        return self[position...].contains(where: Self.needsEscape)
    }

    /// Whether all bytes are ASCII.
    package var areASCII: Bool {
        var position = 0
        while let word = word(at: position) {
            if word & Self.highest != 0 { return false }
            position += 8
        }
        return self[position...].allSatisfy { $0 < 0x80 }
    }

    /// Whether they are UTF-8 (the Unicode Standard, table 3-7).
    package var areUTF8: Bool {
        var position = 0
        while position < count {
            if let word = word(at: position) {
                let marks = word & Self.highest
                position += marks == 0 ? 8 : marks.trailingZeroBitCount / 8
                if marks == 0 { continue }
            }
            guard let length = lengthOfScalar(at: position) else { return false }
            position += length
        }
        return true
    }

    /// The bytes of the scalar there; nil if it is none, cut off, or longer than it has to be.
    private func lengthOfScalar(at position: Int) -> Int? {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch self[position] {
        case ..<0x80: return 1
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return nil
        }
        guard position + length <= count, second.contains(self[position + 1]) else { return nil }
        for offset in 1..<length where self[position + offset] & 0xC0 != 0x80 {
            return nil
        }
        return length
    }

    /// Whether there is a line feed or a carriage return among them.
    package var hasLineBreak: Bool {
        var position = 0
        while let word = word(at: position) {
            if (Self.zeros(word ^ Self.each(0x0A)) | Self.zeros(word ^ Self.each(0x0D))) != 0 {
                return true
            }
            position += 8
        }
        return self[position...].contains { $0 == 0x0A || $0 == 0x0D }
    }

    /// Whether they are the ASCII text.
    @inlinable
    package func equal(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount
            && text.withUTF8Buffer { text in (0..<count).allSatisfy { self[$0] == text[$0] } }
    }

    // MARK: - Eight at a time

    @inlinable
    package static var highest: UInt64 { each(0x80) }

    @inlinable
    package static func each(_ byte: UInt8) -> UInt64 { 0x0101_0101_0101_0101 * UInt64(byte) }

    @inlinable
    package func word(at position: Int) -> UInt64? {
        guard position + 8 <= count else { return nil }
        return UInt64(
            littleEndian: UnsafeRawBufferPointer(self).loadUnaligned(
                fromByteOffset: position, as: UInt64.self))
    }

    /// Marks bytes that are 0; the lowest mark is right.
    @inlinable
    package static func zeros(_ word: UInt64) -> UInt64 { (word &- each(1)) & ~word & highest }

    /// Marks bytes that cannot stand in a JSON string as they are; the lowest mark is right.
    @inlinable
    package static func needEscapes(_ word: UInt64) -> UInt64 {
        zeros(word ^ each(0x22)) | zeros(word ^ each(0x5C))
            | (word &- each(0x20)) & ~word & highest
    }

    @inlinable
    package static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == 0x22 || byte == 0x5C
    }
}

extension String {
    /// The text of bytes that are UTF-8; nil if they are not.
    ///
    /// Most texts are ASCII, for which the check is one pass without a decoder.
    package init?(wellFormed bytes: UnsafeBufferPointer<UInt8>) {
        if bytes.areASCII {
            self.init(decoding: bytes, as: UTF8.self)
        } else {
            self.init(validating: bytes, as: UTF8.self)
        }
    }
}
