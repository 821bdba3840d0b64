import NIOCore
import PlainText

/// The path, and perhaps the query, that an upstream is asked for, with placeholders.
///
///     /catalog/items/{id}?fields=all
///
/// Settled when the configuration is read: filled in with whatever a client may send, it is a
/// target in normal form (``RequestTarget``), and no filling can leave its segment or parameter.
public struct UpstreamPath: Sendable, Hashable {
    private let path: Template
    /// What the route says beside what the client says.
    private let query: Template?

    /// Reads a path, or gives up with the reason.
    public init(_ source: String) throws(TemplateFault) {
        let whole = try Template(source)
        try Self.checkForm(whole, source)
        let end = source.firstIndex(of: "?") ?? source.endIndex
        path = try Template(String(source[..<end]))
        query = end == source.endIndex ? nil : try Template(String(source[end...].dropFirst()))
    }

    /// The path of a route, asked for as it came.
    init(_ pattern: PathPattern) {
        path = Template(pattern)
        query = nil
    }

    /// The root; for a part whose path could not be read.
    init() {
        path = Template()
        query = nil
    }

    /// As a configuration writes it.
    var written: String { path.written + (query.map { "?" + $0.written } ?? "") }

    /// The dotted names of all placeholders, in order.
    var references: [[String]] { path.references + (query?.references ?? []) }

    /// The target to ask for, or `nil` if there is nothing to fill a placeholder with.
    ///
    /// - Parameters:
    ///   - clientQuery: stands behind the route's own parameters.
    ///   - endsInSlash: whether the client's path does; then this one does too.
    ///   - segment: what a placeholder becomes in the path, escaped.
    ///   - text: what a placeholder means.
    func target(
        clientQuery: String?, endsInSlash: Bool, segment: (_ names: [String]) -> String?,
        text: (_ names: [String]) -> String?
    ) -> String? {
        guard var target = path.filled(segment) else { return nil }
        if target.isEmpty || endsInSlash && !target.hasSuffix("/") { target += "/" }
        guard let query else { return clientQuery.map { "\(target)?\($0)" } ?? target }
        guard let own = query.filled({ text($0).map(PercentEncoding.encode) }) else { return nil }
        let parameters = [own, clientQuery ?? ""].filter { !$0.isEmpty }
        return "\(target)?\(parameters.joined(separator: "&"))"
    }

    /// What is written has to be what is sent, so there is one form of it only.
    private static func checkForm(
        _ template: Template, _ source: String
    ) throws(TemplateFault) {
        // A placeholder is filled with one or more characters of one segment.
        let sample = template.filled { _ in "x" } ?? ""
        guard sample.hasPrefix("/") else {
            throw TemplateFault("`\(source)` does not begin with `/`")
        }
        let normal: String
        do throws(RequestFault) {
            normal = try RequestTarget(parsing: sample).text
        } catch {
            throw TemplateFault("`\(source)` is not the path of a URI: \(error.detail)")
        }
        guard normal == sample else {
            throw TemplateFault(
                "`\(source)` is not in normal form; what is sent would read like `\(normal)`")
        }
    }
}
