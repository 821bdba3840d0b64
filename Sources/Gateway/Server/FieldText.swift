import NIOCore

/// Field values as text in which each scalar stands for one byte.
///
/// Bytes from 0x80 have no meaning of their own in HTTP (RFC 9110 section 5.5). Read as UTF-8,
/// those that are none would be lost, and different values would become one. So they are never
/// read as characters, and go out as they came.
enum FieldText {
    /// The text of some bytes.
    static func text(of bytes: some Collection<UInt8>) -> String {
        guard bytes.contains(where: { $0 >= 0x80 }) else {
            return String(decoding: bytes, as: UTF8.self)
        }
        var text = String.UnicodeScalarView()
        for byte in bytes { text.append(Unicode.Scalar(byte)) }
        return String(text)
    }

    /// Writes the bytes of such a text.
    static func write(_ text: String, into buffer: inout ByteBuffer) {
        guard !isASCII(text) else {
            buffer.writeString(text)
            return
        }
        for scalar in text.unicodeScalars {
            if let byte = UInt8(exactly: scalar.value) {
                buffer.writeInteger(byte)
            } else {
                buffer.writeString(String(scalar))
            }
        }
    }

    static func isASCII(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 < 0x80 }
    }
}
