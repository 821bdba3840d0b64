package import NIOCore

/// Finds the route of a path, compiled once from all patterns.
///
///     /orders ── (GET, POST)
///        └── {·} ── (GET)
///              ├── details ── (GET)
///              └── cancel ── (POST)
///
/// A literal goes before a parameter; if the literal leads nowhere, or its routes do not take the
/// method, the parameter is tried. A slash at the end of the path changes nothing here; it is
/// forwarded as it came. Works on the path's bytes and notes where the parameters stand, without
/// making a `String`.
package struct Router: Sendable {
    /// What a path and method lead to.
    package enum Match: Sendable, Equatable {
        /// The index of the route, and where its parameters stand in the path.
        case route(Int, parameters: [Range<Int>])
        /// The path is known, the method is not among these.
        case methodNotAllowed(allow: String)
        /// A question for the methods, which are these.
        case options(allow: String)
        case notFound
    }

    private struct Node: Sendable {
        var literals: [(text: [UInt8], node: Int)] = []
        var parameter: Int?
        var routes: [RequestMethod: Int] = [:]
        var get: Int?
        var allow = ""
    }

    private var nodes = [Node()]

    /// Two routes that cannot be told apart.
    package struct Conflict: Error, Equatable {
        package let first: Int
        package let second: Int
        package let method: RequestMethod
    }

    package init(_ routes: [(path: PathPattern, methods: [RequestMethod])]) throws(Conflict) {
        for (index, route) in routes.enumerated() {
            let node = node(for: route.path)
            for method in route.methods {
                if let first = nodes[node].routes.updateValue(index, forKey: method) {
                    throw Conflict(first: first, second: index, method: method)
                }
            }
        }
        for index in nodes.indices {
            nodes[index].get = nodes[index].routes[.get]
            var methods = Set(nodes[index].routes.keys)
            guard !methods.isEmpty else { continue }
            if methods.contains(.get) { methods.insert(.head) }
            methods.insert(.options)
            nodes[index].allow = methods.map(\.rawValue).sorted().joined(separator: ", ")
        }
    }

    private mutating func node(for path: PathPattern) -> Int {
        var current = 0
        for segment in path.segments {
            let next: Int
            switch segment {
            case .literal(let text):
                let bytes = Array(text.utf8)
                if let known = nodes[current].literals.first(where: { $0.text == bytes }) {
                    next = known.node
                } else {
                    next = nodes.count
                    nodes.append(Node())
                    nodes[current].literals.append((bytes, next))
                }
            case .parameter:
                next = nodes[current].parameter ?? nodes.count
                if next == nodes.count { nodes.append(Node()) }
                nodes[current].parameter = next
            }
            current = next
        }
        return current
    }

    /// Follows a path in normal form.
    package func match(_ path: ByteBuffer, _ method: RequestMethod) -> Match {
        if method == .options && path.readableBytes == 1 && path.readableBytesView.first == 0x2A {
            return .options(allow: RequestMethod.allCases.map(\.rawValue).joined(separator: ", "))
        }
        var search = Search(method: method)
        path.withUnsafeReadableBytes { bytes in
            guard bytes.first == UInt8(ascii: "/") else { return }
            let endsInSlash = bytes.count > 1 && bytes[bytes.count - 1] == UInt8(ascii: "/")
            let length = bytes.count - (endsInSlash ? 1 : 0)
            let bytes = UnsafeRawBufferPointer(rebasing: bytes[..<length])
            if bytes.count == 1 {
                _ = arrive(at: 0, &search)
            } else {
                _ = follow(bytes, from: 1, at: 0, &search)
            }
        }
        if let route = search.route { return .route(route, parameters: search.parameters) }
        guard !search.allow.isEmpty else { return .notFound }
        let allow = search.allow.count == 1 ? search.allow[0] : Self.union(search.allow)
        return method == .options ? .options(allow: allow) : .methodNotAllowed(allow: allow)
    }

    /// What has been found on the way through the tree.
    private struct Search {
        let method: RequestMethod
        var route: Int?
        var parameters: [Range<Int>] = []
        /// The methods of paths that fit but do not take this one.
        var allow: [String] = []
    }

    /// Whether the path that ends here has a route for the method.
    private func arrive(at index: Int, _ search: inout Search) -> Bool {
        let node = nodes[index]
        search.route =
            search.method == .get
            ? node.get : node.routes[search.method] ?? (search.method == .head ? node.get : nil)
        if search.route != nil { return true }
        if !node.routes.isEmpty { search.allow.append(node.allow) }
        return false
    }

    private static func union(_ lists: [String]) -> String {
        Set(lists.flatMap { $0.split(separator: ", ") }).sorted().joined(separator: ", ")
    }

    /// Whether the segments from `start` lead to a route, depth first; patterns bound the depth.
    private func follow(
        _ path: UnsafeRawBufferPointer, from start: Int, at current: Int, _ search: inout Search
    ) -> Bool {
        var end = start
        while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
        let isLast = end == path.count
        for (text, node) in nodes[current].literals where text.count == end - start {
            guard equal(text, path, start) else { continue }
            if isLast ? arrive(at: node, &search) : follow(path, from: end + 1, at: node, &search) {
                return true
            }
        }
        guard let node = nodes[current].parameter, end > start else { return false }
        search.parameters.append(start..<end)
        if isLast ? arrive(at: node, &search) : follow(path, from: end + 1, at: node, &search) {
            return true
        }
        search.parameters.removeLast()
        return false
    }

    private func equal(_ text: [UInt8], _ path: UnsafeRawBufferPointer, _ start: Int) -> Bool {
        for index in text.indices where text[index] != path[start + index] { return false }
        return true
    }
}
