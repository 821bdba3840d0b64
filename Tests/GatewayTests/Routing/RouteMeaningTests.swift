import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(3)))
struct RouteMeaningTests {
    private func digest(_ route: String, target: String = "http://a:1") throws -> String {
        let configuration = try GatewayConfiguration(
            yaml: """
                upstreams:
                  one: {targets: ["\(target)", "http://z:9"]}
                  two: {targets: ["http://b:1"]}
                routes:
                  - {\(route)}
                """, file: "test.yaml")
        return RouteMeaning.digest(
            of: try #require(configuration.routes.first), upstreams: configuration.upstreams)
    }

    /// One route, written so that each argument changes one thing.
    private static func route(
        _ name: String = "c", _ path: String = "/c/{x}", _ upstream: String = "upstream: one",
        ttl: String = "60s", tags: String = "c:{x}", more: String = ""
    ) -> String {
        "name: \(name), path: \"\(path)\", \(upstream), "
            + "cache: {ttl: \(ttl), tags: [\"\(tags)\"]\(more)}"
    }

    private static let plain = route()

    @Test func sameRouteMeansTheSame() throws {
        #expect(try digest(Self.plain) == digest(Self.plain))
        #expect(try digest(Self.plain).count == 32)
        // Methods and time limits change nothing in an answer.
        #expect(try digest(Self.plain) == digest(Self.plain + ", methods: [GET, PUT], timeout: 9s"))
    }

    @Test(arguments: [
        route("d"), route("c", "/d/{x}"), route("c", "/c/{x}", "upstream: two"),
        route("c", "/c/{x}", #"upstream: one, upstream_path: "/d/{x}""#), route(ttl: "61s"),
        route(tags: "d:{x}"), route(more: ", scope: shared"), route(more: ", vary_headers: [A]"),
        route(more: ", vary_query: [a]"), route(more: ", negative_ttl: 9s"),
        route(more: ", partial_ttl: 9s"), route(more: ", max_body_size: 9KiB"),
    ])
    func changedRouteMeansSomethingElse(route: String) throws {
        #expect(try digest(route) != digest(Self.plain))
    }

    @Test func anotherServerMeansSomethingElse() throws {
        #expect(try digest(Self.plain, target: "http://c:1") != digest(Self.plain))
    }

    private func aggregate(_ part: String, name: String = "p") -> String {
        #"name: c, path: "/c/{x}", cache: {ttl: 60s}, aggregate: {parts: {\#(name): {\#(part)}}}"#
    }

    @Test(arguments: [
        #"upstream: two, path: "/a/{x}", select: [a]"#,
        #"upstream: one, path: "/b/{x}", select: [a]"#,
        #"upstream: one, path: "/a/{x}", select: [b]"#, #"upstream: one, path: "/a/{x}""#,
        #"upstream: one, path: "/a/{x}", select: [a], as: q"#,
        #"upstream: one, path: "/a/{x}", select: [a], on_error: omit"#,
        #"upstream: one, path: "/a/{x}", select: [a], on_error: default, default: {}"#,
        #"upstream: one, path: "/a/{x}", select: [a], absent: null"#,
        #"upstream: one, path: "/a/{x}", select: [a], tags: ["a:{x}"]"#,
    ])
    func changedPartMeansSomethingElse(part: String) throws {
        let plain = aggregate(#"upstream: one, path: "/a/{x}", select: [a]"#)

        #expect(try digest(aggregate(part)) != digest(plain))
    }
}
