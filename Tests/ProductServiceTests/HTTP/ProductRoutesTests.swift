import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import RedisTestKit
import ServiceHTTP
import Testing

@testable import ProductService

@Suite(.redisServer, .timeLimit(.minutes(1)))
struct ProductRoutesTests {
    /// Asks the service as its clients do.
    struct Client {
        let http: any TestClientProtocol

        func ask(
            _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil,
            _ fields: HTTPFields = [:]
        ) async throws -> Answer {
            var fields = fields
            if body != nil { fields[.contentType] = "application/json" }
            let response = try await http.execute(
                uri: path, method: method, headers: fields,
                body: body.map { ByteBuffer(string: $0) })
            let text = String(buffer: response.body)
            return Answer(
                status: response.status.code, headers: response.headers, text: text,
                json: text.isEmpty ? .null : try StrictJSON.parse(Array(text.utf8)))
        }
    }

    struct Answer {
        var status: Int
        var headers: HTTPFields
        var text: String
        var json: StrictJSON

        /// Where the faults lie.
        var pointers: [String] {
            json["errors"]?.array?.compactMap {
                $0["pointer"]?.string ?? $0["parameter"]?.string
            } ?? []
        }
    }

    private func withService(
        isSeeded: Bool = false, _ body: @escaping @Sendable (Client) async throws -> Void
    ) async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let store = ProductCatalog(redis: redis, namespace: prefix)
            if isSeeded { await ProductSeed.plant(in: store, logger: .silent) }
            let router = ProductRoutes(store: store).router(logger: .silent)
            try await Application(router: router, logger: .silent).test(.router) { http in
                try await body(Client(http: http))
            }
        }
    }

    private static let good =
        #"{"name":"Mug","description":"Blue","price":{"amount":700,"currency":"EUR"}}"#

    @Test func aNewProductCanBeFoundWhereItSays() async throws {
        try await withService { client in
            let made = try await client.ask(.post, "/products", Self.good)
            #expect(made.status == 201)
            let id = try #require(made.json["id"]?.string)
            #expect(id.count == 36)
            #expect(made.headers[.location] == "/products/\(id)")
            #expect(made.headers[.eTag] == "\"v1\"")
            #expect(made.json["createdAt"] == made.json["updatedAt"])
            #expect(
                made.text.hasPrefix(
                    #"{"id":"\#(id)","name":"Mug","description":"Blue","#
                        + #""price":{"amount":700,"currency":"EUR"},"createdAt":""#
                ))

            let found = try await client.ask(.get, "/products/\(id)")
            #expect(found.status == 200)
            #expect(found.text == made.text)
            #expect(found.headers[.eTag] == "\"v1\"")
        }
    }

    @Test func aNewSystemHasSomeProducts() async throws {
        try await withService(isSeeded: true) { client in
            let all = try await client.ask(.get, "/products")
            let ids = all.json["items"]?.array?.compactMap { $0["id"]?.string }
            #expect(ids == ["5", "4", "3", "2", "1"])
            #expect(all.json["next"] == nil)
            #expect(try await client.ask(.get, "/products/1").status == 200)
        }
    }

    @Test func seedingTwiceOrAfterwardsChangesNothing() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let store = ProductCatalog(redis: redis, namespace: prefix)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask { await ProductSeed.plant(in: store, logger: .silent) }
                }
            }
            let change = Product.Change(name: "Changed")
            _ = try await store.change("1", by: change) { _ in }
            await ProductSeed.plant(in: store, logger: .silent)
            #expect(try await store.product("1")?.name == "Changed")
            #expect(try await store.products(after: nil, limit: 100).count == 5)
        }
    }

    @Test func listsComeInPagesNewestFirst() async throws {
        try await withService { client in
            var made: [String] = []
            for _ in 0..<7 {
                let product = try await client.ask(.post, "/products", Self.good)
                made.append(try #require(product.json["id"]?.string))
            }

            var listed: [String] = []
            var after = ""
            var pages = 0
            repeat {
                let page = try await client.ask(.get, "/products?limit=3\(after)").json
                listed += page["items"]?.array?.compactMap { $0["id"]?.string } ?? []
                after = page["next"]?.string.map { "&after=\($0)" } ?? ""
                pages += 1
            } while !after.isEmpty

            #expect(pages == 3)
            #expect(listed == made.sorted(by: >), "IDs sort by the time they were made")
        }
    }

    @Test(arguments: ["?limit=0", "?limit=101", "?limit=x", "?after=a%20b", "?after=nobody"])
    func aPageThatCannotBeIsRefused(query: String) async throws {
        try await withService { client in
            let answer = try await client.ask(.get, "/products" + query)
            #expect(answer.status == 400)
            #expect(answer.pointers == [query.contains("limit") ? "limit" : "after"])
        }
    }

    @Test func aPatchChangesWhatItNames() async throws {
        try await withService(isSeeded: true) { client in
            let before = try await client.ask(.get, "/products/1").json
            let after = try await client.ask(.patch, "/products/1", #"{"name":"New name"}"#)
            #expect(after.status == 200)
            #expect(after.headers[.eTag] == "\"v2\"")
            #expect(after.json["name"] == .string("New name"))
            #expect(after.json["price"] == before["price"])
            #expect(after.json["createdAt"] == before["createdAt"])
            #expect(after.json["updatedAt"] != before["updatedAt"])
            #expect(try await client.ask(.get, "/products/1").text == after.text)
        }
    }

    @Test func aPatchThatChangesNothingMakesNoVersion() async throws {
        try await withService(isSeeded: true) { client in
            let before = try await client.ask(.get, "/products/2")
            for body in ["{}", #"{"name":\#("\"Tea cup\"")}"#] {
                let after = try await client.ask(.patch, "/products/2", body)
                #expect(after.status == 200)
                #expect(after.text == before.text)
                #expect(after.headers[.eTag] == "\"v1\"")
            }
        }
    }

    @Test func aChangeOfAnOldVersionIsRefused() async throws {
        try await withService(isSeeded: true) { client in
            let body = #"{"name":"Mine"}"#
            let first = try await client.ask(.patch, "/products/1", body, [.ifMatch: "\"v1\""])
            #expect(first.status == 200)
            let second = try await client.ask(
                .patch, "/products/1", #"{"name":"Yours"}"#, [.ifMatch: "\"v1\""])
            #expect(second.status == 412)
            #expect(second.headers[.eTag] == "\"v2\"")
            let fresh = try await client.ask(
                .get, "/products/1", nil, [.ifNoneMatch: "\"v2\""])
            #expect(fresh.status == 304)
            #expect(fresh.text.isEmpty)
        }
    }

    @Test func noneOfManyChangesAtOnceIsLost() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let store = ProductCatalog(redis: redis, namespace: prefix)
            await ProductSeed.plant(in: store, logger: .silent)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<4 {
                    group.addTask {
                        _ = try await store.change(
                            "1", by: Product.Change(name: "Name \(index)")
                        ) { _ in }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.product("1")?.version == 5)
        }
    }

    @Test(arguments: [
        ("{}", ["/name", "/price"]),
        (#"{"name":"a","price":{}}"#, ["/price/amount", "/price/currency"]),
        (#"{"name":"a","price":5}"#, ["/price"]),
        (#"{"name":"a","price":{"amount":0,"currency":"EUR"}}"#, ["/price/amount"]),
        (#"{"name":"a","price":{"amount":-5,"currency":"EUR"}}"#, ["/price/amount"]),
        (#"{"name":"a","price":{"amount":9.99,"currency":"EUR"}}"#, ["/price/amount"]),
        (#"{"name":"a","price":{"amount":"9","currency":"EUR"}}"#, ["/price/amount"]),
        (#"{"name":"a","price":{"amount":1e3,"currency":"EUR"}}"#, ["/price/amount"]),
        (
            #"{"name":"a","price":{"amount":99999999999999999999,"currency":"E"}}"#,
            ["/price/amount", "/price/currency"]
        ),
        (#"{"name":"a","description":7,"price":{"amount":1,"currency":"EUR"}}"#, ["/description"]),
        (#"{"name":"","price":{"amount":1,"currency":"eur"}}"#, ["/name", "/price/currency"]),
    ])
    func everyFaultyFieldIsNamed(body: String, pointers: [String]) async throws {
        try await withService { client in
            let answer = try await client.ask(.post, "/products", body)
            #expect(answer.status == 400)
            #expect(answer.headers[.contentType] == "application/problem+json")
            #expect(answer.pointers == pointers)
            #expect(try await client.ask(.get, "/products").json["items"] == .array([]))
        }
    }

    @Test(arguments: [
        (#"{"name":null}"#, "/name"), (#"{"price":null}"#, "/price"),
        (#"{"price":{"amount":0}}"#, "/price/amount"), (#"{"id":"2"}"#, "/id"),
        (#"{"price":{"amont":5}}"#, "/price/amont"), ("[]", ""),
    ])
    func aFaultyPatchHasNoEffect(body: String, pointer: String) async throws {
        try await withService(isSeeded: true) { client in
            let before = try await client.ask(.get, "/products/1")
            let answer = try await client.ask(.patch, "/products/1", body)
            #expect(answer.status == 400)
            #expect(answer.pointers == [pointer])
            #expect(try await client.ask(.get, "/products/1").text == before.text)
        }
    }

    @Test func whatIsNotThereIsNotFound() async throws {
        try await withService(isSeeded: true) { client in
            let missing = try await client.ask(.get, "/products/99")
            #expect(missing.status == 404)
            #expect(try await client.ask(.patch, "/products/99", "{}").status == 404)
            #expect(try await client.ask(.delete, "/products/1").status == 405)
            #expect(try await client.ask(.put, "/products", "{}").status == 405)
            for id in ["%7B%7D", "a%20b", "a%0Ab", "*", "%00", "a:b"] {
                #expect(try await client.ask(.get, "/products/\(id)").status == 400)
            }
        }
    }
}
