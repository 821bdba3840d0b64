import Gateway
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

/// Parts are requests of the gateway's own, and the whole obeys what they say.
@Suite(.timeLimit(.minutes(1)))
struct PartRequestTests {
    private static func yaml(_ origin: OriginServer, _ cache: String) -> String {
        """
        upstreams:
          shop: {targets: ["http://127.0.0.1:\(origin.port)"], retry: {attempts: 1}}
        routes:
          - name: whole
            path: /whole/{id}
            \(cache)
            aggregate:
              parts:
                one: {upstream: shop, path: "/one/{id}"}
                two: {upstream: shop, path: "/two/{id}"}
          - {name: sent, path: "/sent/{id}", upstream: shop}
          - {name: kept, path: "/kept/{id}", upstream: shop, cache: {ttl: 60s}}
        """
    }

    private static let whole = #"{"one":{"a":1},"two":{"a":1}}"#

    @Test(arguments: [
        "Accept-Encoding: gzip, br", "Range: bytes=0-4", "If-None-Match: *",
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "If-Range: \"a\"", "TE: trailers",
        "Accept: text/html", "Content-Language: de", "Accept-Charset: utf-16",
    ])
    func theFormOfTheWholeIsNotAskedOfItsParts(_ field: String) async throws {
        let origin = try await OriginServer.start { request in
            // A service that does all that it is asked for.
            let accept = request.fields["accept"]
            let isPlain =
                request.fields["accept-encoding"].isEmpty && accept == ["application/json"]
                && !request.fields.contains { $0.name.lowercased().hasPrefix("if-") }
                && !request.fields.contains { $0.name.lowercased().hasPrefix("content-") }
                && request.fields["range"].isEmpty && request.fields["te"].isEmpty
            return isPlain ? .init(body: #"{"a":1}"#) : .init(status: 206, body: "{")
        }
        let routes = ["", "cache: {ttl: 60s, scope: anonymous}"]
        for cache in routes {
            try await GatewayUnderTest.with(Self.yaml(origin, cache)) { port, _ in
                let client = try await RawConnection(port: port)
                let answer = try await client.get("/whole/1", [field, "Cookie: a=b"])

                #expect(answer.status == 200)
                #expect(answer.body == Self.whole)
            }
        }
        #expect(origin.asked.allSatisfy { $0.fields["cookie"] == ["a=b"] })
        await origin.stop()
    }

    @Test(arguments: ["Cache-Control: private", "Cache-Control: no-store", "Set-Cookie: a=b"])
    func whatIsForOneAskerIsNotSharedAsAPart(_ field: String) async throws {
        let words = field.split(separator: ":").map { String($0.trimmingPrefix(" ")) }
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        let number = Mutex(0)
        let origin = try await OriginServer.start { request in
            guard request.target.hasPrefix("/two") else { return .init(body: "{}") }
            for await _ in gate { break }
            let count = number.withLock {
                $0 += 1; return $0
            }
            return .init(
                fields: [words[0]: words[1], "Content-Type": "application/json"],
                body: "\(count)")
        }
        let yaml = Self.yaml(origin, "cache: {ttl: 60s, scope: shared}")
        try await GatewayUnderTest.with(yaml) { port, cache in
            let answers = try await withThrowingTaskGroup(of: RawConnection.Answer.self) { group in
                for _ in 1...5 {
                    let client = try await RawConnection(port: port)
                    group.addTask { try await client.get("/whole/1") }
                }
                await until { origin.asked.contains { $0.target.hasPrefix("/two") } }
                opening.finish()
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(answers.map(\.body)).count == 5, "each its own")
            #expect(cache.size.entries == 0)
            for answer in answers {
                #expect(answer.fields["cache-control"] != nil)
                #expect(answer.fields["cache-status"]?.contains("collapsed") == false)
            }
        }
        await origin.stop()
    }

    @Test func ageIsPassedOnAndCounted() async throws {
        let origin = try await OriginServer.start { request in
            let control = request.target.hasSuffix("private") ? "private" : "max-age=7300"
            return .init(fields: ["Age": "7200, 0", "Cache-Control": control])
        }
        try await GatewayUnderTest.with(Self.yaml(origin, "")) { port, _ in
            let client = try await RawConnection(port: port)
            let sent = try await client.get("/sent/1")
            #expect(sent.fields["age"] == "7200, 0")
            let alone = try await client.get("/kept/private")
            #expect(alone.fields["age"] == "7200")
            _ = try await client.get("/kept/1")
            let hit = try await client.get("/kept/1")
            #expect(hit.fields["cache-status"]?.contains("hit") == true)
            #expect(Int(hit.fields["age"] ?? "").map { (7200...7260).contains($0) } == true)
        }
        await origin.stop()
    }

    @Test func rangesAreOfferedOnlyWhereTheyAreServed() async throws {
        let origin = try await OriginServer.start { request in
            let isRange = request.fields.contains(name: "range")
            return .init(
                status: isRange ? 206 : 200, fields: ["Accept-Ranges": "bytes"], body: "12345")
        }
        try await GatewayUnderTest.with(Self.yaml(origin, "")) { port, _ in
            let client = try await RawConnection(port: port)
            let sent = try await client.get("/sent/1", ["Range: bytes=0-4"])
            #expect(sent.status == 206)
            #expect(sent.fields["accept-ranges"] == "bytes")
            let head = try await client.request("HEAD", "/sent/1", ["Range: bytes=0-4"])
            #expect(head.status == 200)
            for _ in 1...2 {
                let kept = try await client.get("/kept/1", ["Range: bytes=0-4"])
                #expect(kept.status == 200)
                #expect(kept.fields["accept-ranges"] == nil)
            }
        }
        await origin.stop()
    }
}
