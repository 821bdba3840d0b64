import CloudEvents

/// What a resource may be called in a path, a body or a query.
///
/// 1 to 64 letters, digits, underscores and dashes of ASCII. Such an ID means the same raw and
/// percent-encoded, and cannot break out of a path, a key, a pattern or a log line. An ID that is
/// a UUID is the same in any letter case (RFC 9562), so it is read as its lower-case form.
package enum ResourceID {
    /// The longest ID.
    package static let lengthMaximum = 64

    static let rule = "must be 1 to 64 of the characters A-Z a-z 0-9 _ -"

    /// Whether the text is an acceptable ID.
    package static func isValid(_ text: some StringProtocol) -> Bool {
        let count = text.utf8.count
        guard count >= 1, count <= lengthMaximum else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D: true
            default: false
            }
        }
    }

    /// The ID that a text names, UUIDs in lower case; `nil` if the text is not acceptable.
    package static func normal(_ text: String) -> String? {
        isValid(text) ? UUIDText.normal(text) : nil
    }
}
