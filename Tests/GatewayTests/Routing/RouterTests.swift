import Gateway
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(3)))
struct RouterTests {
    static let patterns: [(String, [RequestMethod])] = [
        ("/orders", [.get]), ("/orders", [.post]), ("/orders/{id}", [.get]),
        ("/orders/{id}/details", [.get]), ("/orders/{orderId}/cancel", [.post]),
        ("/orders/export", [.put]), ("/inventory/{productId}", [.get, .put]),
        ("/a/{x}/c/{y}", [.get]), ("/a/b/{z}/d", [.get]),
    ]

    static func router() throws -> Router {
        try Router(patterns.map { (try PathPattern($0.0), $0.1) })
    }

    static func match(_ path: String, _ method: RequestMethod = .get) throws -> Router.Match {
        try router().match(ByteBuffer(string: path), method)
    }

    @Test func methodsOfOnePathLeadToTheirRoutes() throws {
        #expect(try Self.match("/orders") == .route(0, parameters: []))
        #expect(try Self.match("/orders", .post) == .route(1, parameters: []))
        #expect(try Self.match("/inventory/7", .put) == .route(6, parameters: [11..<12]))
    }

    @Test func parametersAreFoundWhereTheyStand() throws {
        #expect(try Self.match("/orders/42") == .route(2, parameters: [8..<10]))
        #expect(try Self.match("/orders/42/details") == .route(3, parameters: [8..<10]))
        #expect(try Self.match("/orders/42/cancel", .post) == .route(4, parameters: [8..<10]))
    }

    @Test func aLiteralThatLeadsNowhereGivesWayToTheParameter() throws {
        #expect(try Self.match("/a/b/c/1") == .route(7, parameters: [3..<4, 7..<8]))
        #expect(try Self.match("/a/b/c/d") == .route(8, parameters: [5..<6]))
        #expect(try Self.match("/orders/export/details") == .route(3, parameters: [8..<14]))
    }

    /// So there is nothing that a check could warn of: of routes that are no fault, each has paths
    /// that lead to it and to no other.
    @Test func noRouteIsHiddenByOthers() throws {
        let segments = ["a", "b", "{x}"]
        var patterns = segments.map { "/\($0)" }
        for _ in 0..<2 { patterns += patterns.flatMap { head in segments.map { "\(head)/\($0)" } } }
        let paths = Set(patterns.map(Self.distinct)).sorted()
        let router = try Router(paths.map { (try PathPattern($0), [.get]) })

        for (index, path) in paths.enumerated() {
            // What no literal stands for.
            let asked = path.replacing(/\{\w+\}/, with: "c")
            guard case .route(index, _) = router.match(ByteBuffer(string: asked), .get) else {
                Issue.record("\(asked) does not lead to \(path)")
                continue
            }
        }
    }

    /// A name stands once in a pattern.
    private static func distinct(_ pattern: String) -> String {
        pattern.split(separator: "/").enumerated()
            .map { $1 == "{x}" ? "/{x\($0)}" : "/\($1)" }.joined()
    }

    @Test(arguments: ["/", "/order", "/orders/1/x", "/orders/1/details/x", "/inventory", "/a/b"])
    func otherPathsAreNotFound(_ path: String) throws {
        #expect(try Self.match(path) == .notFound)
    }

    @Test func aLiteralWithoutTheMethodGivesWayToTheParameter() throws {
        let router = try Router([
            (PathPattern("/orders/{id}"), [.get]), (PathPattern("/orders/export"), [.post]),
        ])
        func match(_ method: RequestMethod) -> Router.Match {
            router.match(ByteBuffer(string: "/orders/export"), method)
        }

        #expect(match(.get) == .route(0, parameters: [8..<14]))
        #expect(match(.head) == .route(0, parameters: [8..<14]))
        #expect(match(.post) == .route(1, parameters: []))
        #expect(match(.put) == .methodNotAllowed(allow: "GET, HEAD, OPTIONS, POST"))
        #expect(match(.options) == .options(allow: "GET, HEAD, OPTIONS, POST"))
    }

    @Test func aSlashAtTheEndLeadsToTheSameRoute() throws {
        let router = try Router([
            (PathPattern("/"), [.get]), (PathPattern("/orders"), [.get]),
            (PathPattern("/orders/{id}"), [.get]),
        ])
        func match(_ path: String) -> Router.Match { router.match(ByteBuffer(string: path), .get) }

        #expect(match("/") == .route(0, parameters: []))
        #expect(match("/orders/") == .route(1, parameters: []))
        #expect(match("/orders/7/") == .route(2, parameters: [8..<9]))
    }

    @Test func headIsAnsweredFromGet() throws {
        #expect(try Self.match("/orders/42", .head) == .route(2, parameters: [8..<10]))
        #expect(
            try Self.match("/orders/42/cancel", .head)
                == .methodNotAllowed(allow: "OPTIONS, POST"))
    }

    @Test func otherMethodsAreToldWhichThereAre() throws {
        #expect(
            try Self.match("/orders", .delete)
                == .methodNotAllowed(allow: "GET, HEAD, OPTIONS, POST"))
        #expect(try Self.match("/orders", .options) == .options(allow: "GET, HEAD, OPTIONS, POST"))
    }

    @Test func twoRoutesForOneMethodConflict() throws {
        let pattern = try PathPattern("/orders/{id}")
        let same = try PathPattern("/orders/{other}")

        #expect(throws: Router.Conflict.self) {
            _ = try Router([(pattern, [.get]), (same, [.post, .get])])
        }
    }

    @Test(arguments: [
        "", "orders", "/orders/", "/a//b", "/{a}/{a}", "/{}", "/{1}", "/a b", "/a/..",
    ])
    func badPatternsAreRefused(_ text: String) {
        #expect(throws: TemplateFault.self) { try PathPattern(text) }
    }
}
