/// The path of a route: segments that stand for themselves or for a parameter.
///
///     /orders/{id}/details
public struct PathPattern: Sendable, Hashable {
    /// Between two slashes.
    public enum Segment: Sendable, Hashable {
        /// Exactly this.
        case literal(String)
        /// Anything, remembered under this name.
        case parameter(String)
    }

    /// The segments from the root.
    public let segments: [Segment]

    /// Reads a pattern, or gives up with the reason.
    public init(_ source: String) throws(TemplateFault) {
        guard source.hasPrefix("/"), source == "/" || !source.hasSuffix("/") else {
            throw TemplateFault("`\(source)` does not begin with `/`, or ends with it")
        }
        var segments: [Segment] = []
        var names: Set<String> = []
        for part in source.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        where source != "/" {
            if part.hasPrefix("{"), part.hasSuffix("}") {
                let name = String(part.dropFirst().dropLast())
                guard Template.isName(name) else {
                    throw TemplateFault(
                        "`{\(name)}` in `\(source)` is not a name: a letter, then letters, digits "
                            + "and `_`, for one segment")
                }
                guard names.insert(name).inserted else {
                    throw TemplateFault("`{\(name)}` stands twice in `\(source)`")
                }
                segments.append(.parameter(name))
            } else {
                guard !part.isEmpty, part != ".", part != "..",
                    part.utf8.allSatisfy({ ByteClass.of($0).contains(.unreserved) })
                else {
                    throw TemplateFault(
                        "segment `\(part)` in `\(source)` is neither plain text nor `{name}`")
                }
                segments.append(.literal(String(part)))
            }
        }
        guard segments.count <= Self.longest else {
            throw TemplateFault("`\(source)` has more than \(Self.longest) segments")
        }
        self.segments = segments
    }

    /// Bounds the matcher's depth.
    static let longest = 16

    /// The names of the parameters, in order.
    public var parameters: [String] {
        segments.compactMap { if case .parameter(let name) = $0 { name } else { nil } }
    }
}

extension PathPattern: CustomStringConvertible {
    /// The pattern as it is written.
    public var description: String {
        segments.isEmpty
            ? "/"
            : segments.map { segment in
                switch segment {
                case .literal(let text): "/\(text)"
                case .parameter(let name): "/{\(name)}"
                }
            }.joined()
    }
}
