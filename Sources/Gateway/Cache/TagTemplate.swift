import PlainText

/// A tag with places to fill in: `order:{subject}`, `inventory:{data.productId}`.
///
/// A route fills it from its path and its parts, an invalidation rule from an event.
public struct TagTemplate: Hashable, Sendable {
    private enum Piece: Hashable, Sendable {
        case literal(String)
        case field(String)
    }

    private let pieces: [Piece]

    /// The template as it was written.
    public let source: String

    /// Why a text is not a template, in words that name the fault.
    public struct SyntaxError: Error, Sendable {
        /// What is wrong.
        public var message: String
    }

    /// Reads a template; throws if a brace is open, empty, or something is left unnamed.
    public init(_ source: String) throws(SyntaxError) {
        self.source = source
        self.pieces = try TagTemplate.parsed(source)
    }

    /// The names in braces, in order.
    public var fields: [String] {
        pieces.compactMap {
            if case .field(let name) = $0 { name } else { nil }
        }
    }

    /// The tag, with each field's value encoded; nil if a value is missing or empty.
    public func tag(_ value: (String) -> String?) -> CacheTag? {
        var text = ""
        for piece in pieces {
            switch piece {
            case .literal(let literal):
                text += literal
            case .field(let name):
                guard let value = value(name), !value.isEmpty else { return nil }
                text += CacheTag.encoded(value)
            }
        }
        return CacheTag(fitting: text)
    }

    /// Whether some values make one tag of both.
    func meets(_ other: TagTemplate) -> Bool {
        let (own, others) = (stretches, other.stretches)
        return own.count == others.count && zip(own, others).allSatisfy { $0.meets($1) }
    }

    /// What lies between colons, which no value has: they are encoded in it.
    private var stretches: [Stretch] {
        var all = [Stretch()]
        for piece in pieces {
            switch piece {
            case .field: all[all.count - 1].open()
            case .literal(let text):
                let parts = text.split(separator: ":", omittingEmptySubsequences: false)
                all[all.count - 1].append(parts[0])
                for part in parts.dropFirst() { all.append(Stretch(head: String(part))) }
            }
        }
        return all
    }

    private static func parsed(_ source: String) throws(SyntaxError) -> [Piece] {
        var pieces: [Piece] = []
        var rest = Substring(source)
        while let open = rest.firstIndex(of: "{") {
            try appendLiteral(rest[..<open], to: &pieces)
            let inside = rest[rest.index(after: open)...]
            guard let close = inside.firstIndex(of: "}") else {
                throw SyntaxError(message: "'\(source)' opens a brace that it does not close")
            }
            let name = String(inside[..<close])
            guard !name.isEmpty, !name.contains("{"), !name.contains(" ") else {
                throw SyntaxError(message: "'{\(name)}' in '\(source)' names no field")
            }
            pieces.append(.field(name))
            rest = inside[inside.index(after: close)...]
        }
        try appendLiteral(rest, to: &pieces)
        guard !pieces.isEmpty else { throw SyntaxError(message: "a tag cannot be empty") }
        return pieces
    }

    private static func appendLiteral(
        _ text: Substring, to pieces: inout [Piece]
    ) throws(SyntaxError) {
        guard !text.isEmpty else { return }
        let isPlain = text.utf8.allSatisfy {
            PercentEncoding.isPlain($0) || $0 == UInt8(ascii: ":")
        }
        guard isPlain else {
            throw SyntaxError(
                message: "'\(text)' may hold letters, digits and any of . _ ~ - : only")
        }
        pieces.append(.literal(String(text)))
    }
}

/// A part of a tag template: what it begins with and ends with, and whether values stand between.
private struct Stretch {
    var head = ""
    var tail = ""
    var isOpen = false

    mutating func append(_ text: Substring) {
        if isOpen { tail += text } else { head += text }
    }

    mutating func open() {
        isOpen = true
        tail = ""
    }

    func meets(_ other: Stretch) -> Bool {
        switch (isOpen, other.isOpen) {
        case (false, false): head == other.head
        case (true, false): takes(other.head)
        case (false, true): other.takes(head)
        case (true, true):
            (head.hasPrefix(other.head) || other.head.hasPrefix(head))
                && (tail.hasSuffix(other.tail) || other.tail.hasSuffix(tail))
        }
    }

    private func takes(_ text: String) -> Bool {
        text.count > head.count + tail.count && text.hasPrefix(head) && text.hasSuffix(tail)
    }
}
