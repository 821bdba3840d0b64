/// The written form of a UUID (RFC 9562 section 4): read in any case, written in lower case.
public enum UUIDText {
    /// The text in lower case if it is a UUID, and otherwise as it is.
    public static func normal(_ text: String) -> String {
        isUUID(text) ? text.lowercased() : text
    }

    /// Whether the text is 32 hexadecimal digits in the five groups of a UUID.
    public static func isUUID(_ text: String) -> Bool {
        guard text.utf8.count == 36 else { return false }
        for (index, byte) in text.utf8.enumerated() {
            switch index {
            case 8, 13, 18, 23: guard byte == UInt8(ascii: "-") else { return false }
            default: guard isHexadecimal(byte) else { return false }
            }
        }
        return true
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 6
    }
}
