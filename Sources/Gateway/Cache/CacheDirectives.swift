/// The directives of a `Cache-Control` field (RFC 9111 section 5.2), quoted values included.
///
/// A directive that stands twice counts in its strictest form: the smallest number of seconds.
struct CacheDirectives {
    private var values: [String: String?] = [:]

    init(_ field: String) {
        for part in CacheDirectives.parts(of: field) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = pair[0].trimmingSpace().lowercased()
            guard !name.isEmpty else { continue }
            let value = pair.count > 1 ? pair[1].trimmingSpace().unquoted() : nil
            insert(name, value)
        }
    }

    func has(_ name: String) -> Bool { values[name] != nil }

    /// The seconds of a directive; zero if it is there and cannot be read, nil if it is not.
    func seconds(_ name: String) -> Int? {
        guard let value = values[name] else { return nil }
        return CacheDirectives.seconds(in: value)
    }

    /// Digits as seconds, at most 2^31 as RFC 9111 section 1.2.2 allows; anything else is 0.
    static func seconds(in text: String?) -> Int {
        guard let text, !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return 0
        }
        return min(Int(text) ?? Int.max, 1 << 31)
    }

    private mutating func insert(_ name: String, _ value: String?) {
        guard let present = values[name] else {
            values[name] = .some(value)
            return
        }
        if CacheDirectives.seconds(in: value) < CacheDirectives.seconds(in: present) {
            values[name] = .some(value)
        }
    }

    /// The field cut at its commas, except those inside quotes.
    private static func parts(of field: String) -> [Substring] {
        var parts: [Substring] = []
        var start = field.startIndex
        var isQuoted = false
        var isEscaped = false
        for index in field.indices {
            let character = field[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted, character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character == ",", !isQuoted {
                parts.append(field[start..<index])
                start = field.index(after: index)
            }
        }
        parts.append(field[start...])
        return parts
    }
}

extension Substring {
    func trimmingSpace() -> Substring {
        var text = self
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }

    func unquoted() -> String {
        guard count >= 2, first == "\"", last == "\"" else { return String(self) }
        return String(dropFirst().dropLast())
    }
}
