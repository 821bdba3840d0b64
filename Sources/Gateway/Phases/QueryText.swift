import NIOCore

/// The part of a query that a route takes notice of, in one order.
enum QueryText {
    /// Parameters sorted by name, those of one name in the order they came.
    ///
    /// What is keyed and what is forwarded is this text, so that no parameter can change an answer
    /// without being part of its key.
    ///
    /// - Parameter names: the parameters that count; `nil` means all.
    static func canonical(_ query: ByteBuffer?, keeping names: [String]?) -> String? {
        guard let query, query.readableBytes > 0 else { return nil }
        var parameters = String(buffer: query).split(separator: "&").map { text in
            (name: text.prefix { $0 != "=" }, text: text)
        }
        if let names {
            parameters.removeAll { parameter in !names.contains { $0 == parameter.name } }
        }
        guard !parameters.isEmpty else { return nil }
        let sorted = parameters.enumerated().sorted {
            ($0.element.name, $0.offset) < ($1.element.name, $1.offset)
        }
        return sorted.map(\.element.text).joined(separator: "&")
    }
}
