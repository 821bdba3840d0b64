import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(3)))
struct OwnWriteTests {
    private func paths(
        _ target: String, _ fields: HTTPHeaders? = nil, authority: String? = "shop.example"
    ) -> [String] {
        OwnWrite.paths(
            target: ByteBuffer(string: target), authorities: [authority].compactMap(\.self),
            fields: fields
        ).map { String(buffer: $0) }
    }

    @Test func targetIsMeantInBothSpellings() {
        #expect(paths("/c/7") == ["/c/7", "/c/7/"])
        #expect(paths("/c/7/") == ["/c/7/", "/c/7"])
        #expect(paths("/") == ["/"])
    }

    @Test(arguments: [
        ("/c/7", "/c/7"), ("7", "/c/7"), ("./x/../7?a=b#c", "/c/7"), ("../d", "/d"),
        ("http://shop.example/c/7", "/c/7"), ("HTTP://SHOP.example:80/c/%37", "/c/7"),
        ("//shop.example/c/7", "/c/7"), ("https://shop.example:443", "/"),
    ])
    func placeOfWhatWasMadeIsMeantToo(location: String, path: String) {
        for name in ["Location", "Content-Location"] {
            #expect(paths("/c/new", [name: location]).contains(path), "\(location)")
        }
    }

    @Test(arguments: [
        "http://other.example/c/7", "//other.example/c/7", "http://shop.example:81/c/7",
        "ftp://shop.example/c/7", "mailto:a@shop.example", "http:/c/7", "/../../c/7", "/c\\7",
        "http://shop.example@other.example/c/7", String(repeating: "/c", count: 8_000),
    ])
    func anothersAddressesAreNotMeant(location: String) {
        #expect(paths("/d", ["Location": location]) == ["/d", "/d/"])
    }

    @Test func upstreamsOwnAuthorityIsMeantToo() {
        let paths = OwnWrite.paths(
            target: ByteBuffer(string: "/d"), authorities: ["shop.example", "[::1]:3003"],
            fields: ["Location": "http://[::1]:3003/c/7", "Content-Location": "http://[::1]/x"])
        #expect(paths.map { String(buffer: $0) } == ["/d", "/d/", "/c/7", "/c/7/"])
    }

    @Test func withoutAHostOnlyPathsAreMeant() {
        #expect(paths("/d", ["Location": "http://a/c"], authority: nil) == ["/d", "/d/"])
        #expect(paths("/d", ["Location": "/c"], authority: nil) == ["/d", "/d/", "/c", "/c/"])
    }
}

/// A gateway whose service counts its changes; reads give the count.
@Suite(.timeLimit(.minutes(3)))
struct OwnWriteOverHTTPTests {
    private final class Shop: Sendable {
        let version = Atomic(0)
    }

    /// Answers a change as `answer` says, once it is made.
    private func with(
        _ routes: String,
        answer: @escaping @Sendable (Int) async -> OriginServer.Answer = { _ in .init() },
        _ body: (RawConnection, ResponseCache) async throws -> Void
    ) async throws {
        let shop = Shop()
        let origin = try await OriginServer.start { request in
            if request.method == "GET" {
                return .init(body: "\(shop.version.load(ordering: .sequentiallyConsistent))")
            }
            var said = await answer(
                shop.version.add(1, ordering: .sequentiallyConsistent).newValue)
            // The name under which the gateway asks it.
            if said.fields.first(name: "location") == "ITSELF" {
                let host = request.fields.first(name: "host") ?? ""
                said.fields.replaceOrAdd(name: "Location", value: "http://\(host)/c/7")
            }
            return said
        }
        let yaml = """
            upstreams:
              shop: {targets: ["http://127.0.0.1:\(origin.port)"]}
              hasty: {targets: ["http://127.0.0.1:\(origin.port)"], timeout: 200ms}
            routes:
            \(routes)
            """
        try await GatewayUnderTest.with(yaml) { port, cache in
            try await body(try await RawConnection(port: port), cache)
        }
        await origin.stop()
    }

    private static let one = """
          - name: c
            path: /c/{x}
            methods: [GET, PUT, POST, PATCH, DELETE]
            upstream: shop
            cache: {ttl: 60s, scope: shared}
        """

    @Test(arguments: ["PUT", "POST", "PATCH", "DELETE"])
    func changeTakesTheAnswerAtItsPathAway(method: String) async throws {
        try await with(Self.one) { client, _ in
            #expect(try await client.get("/c/7").body == "0")
            let hit = try await client.get("/c/7")
            #expect(hit.fields["cache-status"]?.contains("; hit") == true)
            _ = try await client.get("/c/7?all=1")
            _ = try await client.get("/c/8")
            _ = try await client.request(method, "/c/7", [], body: "x")

            #expect(try await client.get("/c/7").body == "1")
            #expect(try await client.get("/c/7?all=1").body == "1")
            #expect(try await client.get("/c/8").body == "0")
        }
    }

    @Test func changeTakesWhatHasTheTagsOfItsPathAway() async throws {
        let routes = """
              - {name: get, path: "/c/{x}", upstream: shop, cache: {ttl: 60s, tags: ["c:{x}"]}}
              - {name: put, path: "/c/{y}", methods: [PUT], upstream: shop}
              - {name: other, path: "/of/{x}", upstream: shop, cache: {ttl: 60s, tags: ["c:{x}"]}}
            """
        try await with(routes) { client, _ in
            for path in ["/c/a%20b", "/of/a%20b", "/c/8"] { _ = try await client.get(path) }
            _ = try await client.request("PUT", "/c/a%20b", [], body: "x")

            #expect(try await client.get("/c/a%20b").body == "1")
            #expect(try await client.get("/of/a%20b").body == "1")
            #expect(try await client.get("/c/8").body == "0")
        }
    }

    @Test func listOfOneAddressIsFreshAfterAPost() async throws {
        let routes = """
              - {name: catalog, path: /Catalog, methods: [GET, POST, PUT], upstream: shop,
                 upstream_path: /api/v1/Catalog,
                 cache: {ttl: 30s, scope: shared, tags: ["catalog"]}}
            """
        try await with(routes, answer: { _ in .init(status: 201) }) { client, _ in
            _ = try await client.get("/Catalog")
            let hit = try await client.get("/Catalog")
            #expect(hit.fields["cache-status"]?.contains("; hit") == true)
            #expect(try await client.request("POST", "/Catalog", [], body: "x").status == 201)

            #expect(try await client.get("/Catalog").body == "1")
        }
    }

    @Test(arguments: ["/c/7", "ITSELF"])
    func placeThatTheAnswerNamesIsTakenAway(_ location: String) async throws {
        let routes =
            Self.one + """

                  - {name: make, path: /make, methods: [POST], upstream: shop}
                """
        let made = OriginServer.Answer(status: 201, fields: ["Location": location])
        try await with(routes, answer: { _ in made }) { client, _ in
            #expect(try await client.get("/c/7").body == "0")
            _ = try await client.request("POST", "/make", [], body: "x")

            #expect(try await client.get("/c/7").body == "1")
        }
    }

    @Test func refusedChangeTakesNothingAway() async throws {
        try await with(Self.one, answer: { _ in .init(status: 409) }) { client, _ in
            _ = try await client.get("/c/7")
            _ = try await client.request("PUT", "/c/7", [], body: "x")

            #expect(try await client.get("/c/7").body == "0")
        }
    }

    @Test func changeWithoutAnAnswerTakesTheOldOneAway() async throws {
        let routes = """
              - {name: get, path: "/c/{x}", upstream: shop, cache: {ttl: 60s, scope: shared}}
              - {name: put, path: "/c/{x}", methods: [PUT], upstream: hasty}
            """
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        let late: @Sendable (Int) async -> OriginServer.Answer = { _ in
            for await _ in gate { break }
            return .init()
        }
        try await with(routes, answer: late) { client, _ in
            #expect(try await client.get("/c/7").body == "0")
            let change = try await client.request("PUT", "/c/7", [], body: "x")
            #expect(change.status == 504)

            #expect(try await client.get("/c/7").body == "1")
        }
        opening.finish()
    }

    @Test func gatewayThatCannotChangeAnythingTagsNoPaths() async throws {
        let route = """
              - {name: c, path: "/c/{x}", upstream: shop, cache: {ttl: 60s, scope: shared}}
            """
        try await with(route) { client, cache in
            _ = try await client.get("/c/7")
            await cache.invalidate([CacheTag("path", "/c/7")], cause: "test")

            let second = try await client.get("/c/7")
            #expect(second.fields["cache-status"]?.contains("; hit") == true)
        }
    }
}
