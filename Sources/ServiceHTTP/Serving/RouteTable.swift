import HTTPTypes

/// Remembers which methods a path has, so that a wrong method can be told from a wrong path.
struct RouteTable: Sendable {
    private struct Entry {
        var segments: [Substring]
        var methods: [HTTPRequest.Method]

        func matches(_ path: [Substring]) -> Bool {
            guard path.count == segments.count else { return false }
            return zip(segments, path).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
    }

    private var entries: [Entry] = []

    mutating func add(_ method: HTTPRequest.Method, _ path: String) {
        let segments = path.split(separator: "/")
        if let index = entries.firstIndex(where: { $0.segments == segments }) {
            entries[index].methods.append(method)
        } else {
            entries.append(Entry(segments: segments, methods: [method]))
        }
    }

    /// The value for `Allow`, or nil if there is no such path at all.
    func allowedMethods(at path: String) -> String? {
        let segments = path.split(separator: "/")
        let methods = entries.filter { $0.matches(segments) }.flatMap(\.methods)
        guard !methods.isEmpty else { return nil }
        var names = Set(methods.map(\.rawValue))
        if names.contains("GET") { names.insert("HEAD") }
        return names.sorted().joined(separator: ", ")
    }
}
