import Logging

/// Keeps secrets out of log lines.
///
/// Two nets: a metadata name that tells of a secret hides its whole value, and `//user:secret@`
/// within any text loses its credentials. Code must still not log secrets; this is for the day
/// it does.
enum Redaction {
    static let mark = "[redacted]"

    private static let tellingWords = [
        "authorization", "cookie", "password", "passwd", "secret", "token", "api_key", "apikey",
        "api-key", "credential",
    ]

    static func value(_ value: Logger.MetadataValue, named name: String) -> Logger.MetadataValue {
        isTelling(name) ? .string(mark) : cleaned(value)
    }

    /// The text without credentials in the URLs it holds.
    static func text(_ text: String) -> String {
        // Most lines hold no URL, and are given back untouched.
        guard text.utf8.contains(0x40), text.utf8.contains(0x2F) else { return text }
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let start = schemeEnd(in: rest) {
            result.append(contentsOf: rest[..<start])
            let authority = rest[start...].prefix { $0 > 0x20 && $0 != 0x2F && $0 != 0x22 }
            if let at = authority.lastIndex(of: 0x40) {
                result.append(contentsOf: mark.utf8)
                rest = rest[at...]
            } else {
                result.append(contentsOf: authority)
                rest = rest[authority.endIndex...]
            }
        }
        result.append(contentsOf: rest)
        return String(decoding: result, as: UTF8.self)
    }

    private static func cleaned(_ value: Logger.MetadataValue) -> Logger.MetadataValue {
        switch value {
        case .string(let text): .string(self.text(text))
        case .stringConvertible(let convertible) where convertible is Int: value
        case .stringConvertible(let convertible): .string(text(convertible.description))
        case .array(let values): .array(values.map(cleaned))
        case .dictionary(let members):
            .dictionary(
                Dictionary(
                    uniqueKeysWithValues: members.map {
                        ($0.key, self.value($0.value, named: $0.key))
                    }))
        }
    }

    private static func isTelling(_ name: String) -> Bool {
        let name = name.lowercased()
        return tellingWords.contains { name.contains($0) }
    }

    /// The index behind the next `://`.
    private static func schemeEnd(in bytes: ArraySlice<UInt8>) -> Int? {
        var index = bytes.startIndex
        while index + 2 < bytes.endIndex {
            if bytes[index] == 0x3A, bytes[index + 1] == 0x2F, bytes[index + 2] == 0x2F {
                return index + 3
            }
            index += 1
        }
        return nil
    }
}
