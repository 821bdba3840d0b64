/// Text with placeholders: `order:{id}`, `/users/{order.userId}`.
///
/// A placeholder is one or more names joined by dots. What a name may be is decided by whoever
/// fills the template in; a template only knows how it is written.
public struct Template: Sendable, Hashable {
    /// A stretch of a template.
    public enum Piece: Sendable, Hashable {
        /// Stands for itself.
        case text(String)
        /// Is replaced by what the dotted name means.
        case reference([String])
    }

    /// The stretches in order.
    public let pieces: [Piece]

    /// The template of nothing.
    init() {
        pieces = []
    }

    /// A path with its parameters as placeholders.
    init(_ pattern: PathPattern) {
        pieces = pattern.segments.flatMap { segment -> [Piece] in
            switch segment {
            case .literal(let text): [.text("/\(text)")]
            case .parameter(let name): [.text("/"), .reference([name])]
            }
        }
    }

    /// Reads a template, or gives up with the reason.
    public init(_ source: String) throws(TemplateFault) {
        var pieces: [Piece] = []
        var rest = Substring(source)
        while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            guard rest[open] == "{", let close = rest[open...].firstIndex(of: "}") else {
                throw TemplateFault("a brace in `\(source)` has no partner")
            }
            if open > rest.startIndex { pieces.append(.text(String(rest[..<open]))) }
            let name = rest[rest.index(after: open)..<close]
            let names = name.split(separator: ".", omittingEmptySubsequences: false)
            guard names.allSatisfy(Self.isName) else {
                throw TemplateFault("`{\(name)}` is not a placeholder: names joined by dots are")
            }
            pieces.append(.reference(names.map(String.init)))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        self.pieces = pieces
    }

    /// The dotted names of all placeholders, in order.
    public var references: [[String]] {
        pieces.compactMap { if case .reference(let names) = $0 { names } else { nil } }
    }

    /// As a configuration writes it.
    var written: String {
        pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .reference(let names): "{\(names.joined(separator: "."))}"
            }
        }.joined()
    }

    /// Fills the placeholders in, or returns `nil` if `value` does for one of them.
    public func filled(_ value: (_ names: [String]) -> String?) -> String? {
        var result = ""
        for piece in pieces {
            switch piece {
            case .text(let text): result += text
            case .reference(let names):
                guard let filling = value(names) else { return nil }
                result += filling
            }
        }
        return result
    }

    static func isName(_ name: some StringProtocol) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy {
            $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
                || ByteClass.lowercased($0) &- 0x61 < 26 || $0 &- 0x30 < 10
        }
    }
}

/// Why a template cannot be read.
public struct TemplateFault: Error, Sendable, Equatable {
    /// What is wrong, without a place.
    public let message: String

    init(_ message: String) {
        self.message = message
    }
}
