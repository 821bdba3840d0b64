import Logging

/// Keeps secrets out of log lines.
///
/// Three nets: a metadata name that tells of a secret hides its whole value, `//user:secret@`
/// within any text loses its credentials, and `?api_key=secret` the value of every parameter
/// whose name tells of one. Code must still not log secrets; this is for the day it does.
enum Redaction {
    static let mark = "[redacted]"

    private static let tellingWords = [
        "authorization", "cookie", "password", "passwd", "secret", "token", "api_key", "apikey",
        "api-key", "credential",
    ]

    /// Short names that tell of a secret only where they name a parameter of a query.
    private static let tellingParameters: Set = [
        "auth", "code", "jwt", "key", "otp", "pass", "pin", "pwd", "session", "sid", "sig",
        "signature", "x-amz-signature",
    ]

    static func value(_ value: Logger.MetadataValue, named name: String) -> Logger.MetadataValue {
        isTelling(name) ? .string(mark) : cleaned(value)
    }

    /// The text without credentials in the URLs and queries it holds.
    static func text(_ text: String) -> String {
        withoutQuerySecrets(withoutURLCredentials(text))
    }

    private static func withoutQuerySecrets(_ text: String) -> String {
        // Most texts hold no query, and are given back untouched.
        guard text.utf8.contains(0x3D), text.utf8.contains(where: isParameterStart) else {
            return text
        }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            result.append(bytes[index])
            index += 1
            guard isParameterStart(bytes[index - 1]),
                let name = parameterName(bytes[index...]), isTellingParameter(name)
            else { continue }
            result.append(contentsOf: bytes[index..<name.endIndex] + [0x3D])
            result.append(contentsOf: mark.utf8)
            let value = bytes[(name.endIndex + 1)...]
            index = value.firstIndex { endsParameter($0) } ?? bytes.count
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isParameterStart(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "?") || byte == UInt8(ascii: "&") || byte == UInt8(ascii: ";")
    }

    private static func endsParameter(_ byte: UInt8) -> Bool {
        byte <= 0x20 || isParameterStart(byte) || byte == 0x22 || byte == UInt8(ascii: "#")
    }

    /// The name at the start of a parameter, if a `=` stands behind it.
    private static func parameterName(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let end = bytes.firstIndex(where: { $0 == 0x3D || endsParameter($0) }),
            bytes[end] == 0x3D
        else { return nil }
        return bytes[..<end]
    }

    private static func isTellingParameter(_ name: ArraySlice<UInt8>) -> Bool {
        let name = String(decoding: name, as: UTF8.self)
        return tellingParameters.contains(name.lowercased()) || isTelling(name)
    }

    private static func withoutURLCredentials(_ text: String) -> String {
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
        case .stringConvertible(let convertible) where LogLine.literal(convertible) != nil: value
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
