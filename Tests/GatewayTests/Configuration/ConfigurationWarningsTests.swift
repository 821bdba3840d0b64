import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(3)))
struct ConfigurationWarningsTests {
    private func warnings(_ routes: String...) throws -> [String] {
        let list = routes.map { "  - {\($0)}" }.joined(separator: "\n")
        return try GatewayConfiguration(
            yaml: "upstreams: {up: {targets: [\"http://a:1\"]}}\nroutes:\n" + list,
            file: "test.yaml"
        ).warnings
    }

    @Test func keptAddressThatIsChangedWithoutTagsIsNamed() throws {
        let apart = try warnings(
            #"name: get, path: "/c/{x}", upstream: up, cache: {ttl: 60s}"#,
            #"name: put, path: "/c/{y}", methods: [PUT], upstream: up"#)
        let together = try warnings(
            #"name: c, path: "/c", methods: [GET, POST], upstream: up, cache: {ttl: 60s}"#)

        #expect(apart.count == 1)
        #expect(apart[0].hasPrefix("`get` keeps answers of /c/{x} without `tags`, and `put`"))
        #expect(together.count == 1)
        #expect(together[0].hasPrefix("`c` keeps answers of /c without `tags`, and it "))
    }

    @Test func tagsOfEitherAreEnough() throws {
        let put = #"name: put, path: "/c/{y}", methods: [PUT], upstream: up"#
        #expect(
            try warnings(
                #"name: get, path: "/c/{x}", upstream: up, cache: {ttl: 60s, tags: ["c:{x}"]}"#, put
            ).isEmpty)
        #expect(
            try warnings(
                #"name: get, path: "/c/{x}", upstream: up, cache: {ttl: 60s}"#,
                put + #", invalidates: ["c:{y}"]"#
            ).isEmpty)
        #expect(
            try warnings(
                #"name: get, path: "/c/{x}", upstream: up, cache: {ttl: 60s}"#,
                #"name: put, path: "/d/{y}", methods: [PUT], upstream: up"#
            ).isEmpty)
    }
}
