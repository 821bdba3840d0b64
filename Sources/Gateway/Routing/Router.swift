package import NIOCore

/// Finds the route of a path, compiled once from all patterns.
///
///     /orders ── (GET, POST)
///        └── {·} ── (GET)
///              ├── details ── (GET)
///              └── cancel ── (POST)
///
/// A literal goes before a parameter; if the literal leads nowhere, the parameter is tried. Works
/// on the path's bytes and notes where the parameters stand, without making a `String`.
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
        var parameters: [Range<Int>] = []
        let found = path.withUnsafeReadableBytes { bytes -> Int? in
            if method == .options && bytes.count == 1 && bytes[0] == UInt8(ascii: "*") { return -1 }
            guard bytes.first == UInt8(ascii: "/") else { return nil }
            return bytes.count == 1
                ? (nodes[0].routes.isEmpty ? nil : 0)
                : follow(bytes, from: 1, at: 0, &parameters)
        }
        guard let found else { return .notFound }
        guard found >= 0 else {
            return .options(allow: RequestMethod.allCases.map(\.rawValue).joined(separator: ", "))
        }
        let node = nodes[found]
        if method == .get, let route = node.get { return .route(route, parameters: parameters) }
        if let route = node.routes[method] { return .route(route, parameters: parameters) }
        if method == .head, let route = node.get { return .route(route, parameters: parameters) }
        return method == .options
            ? .options(allow: node.allow) : .methodNotAllowed(allow: node.allow)
    }

    /// The node of the segments from `start`, depth first; patterns bound the depth.
    private func follow(
        _ path: UnsafeRawBufferPointer, from start: Int, at current: Int,
        _ parameters: inout [Range<Int>]
    ) -> Int? {
        var end = start
        while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
        let isLast = end == path.count
        for (text, node) in nodes[current].literals where text.count == end - start {
            guard equal(text, path, start) else { continue }
            if isLast {
                if !nodes[node].routes.isEmpty { return node }
            } else if let found = follow(path, from: end + 1, at: node, &parameters) {
                return found
            }
        }
        guard let node = nodes[current].parameter, end > start else { return nil }
        parameters.append(start..<end)
        if isLast {
            if !nodes[node].routes.isEmpty { return node }
        } else if let found = follow(path, from: end + 1, at: node, &parameters) {
            return found
        }
        parameters.removeLast()
        return nil
    }

    private func equal(_ text: [UInt8], _ path: UnsafeRawBufferPointer, _ start: Int) -> Bool {
        for index in text.indices where text[index] != path[start + index] { return false }
        return true
    }
}
