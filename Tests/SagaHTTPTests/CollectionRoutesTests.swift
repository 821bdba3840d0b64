import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JSONText
import Logging
import NIOCore
import SagaHTTP
import ServiceHTTP
import Testing
import TroupeRedisTestKit

@Suite(.redisServer, .timeLimit(.minutes(1)))
struct CollectionRoutesTests {
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

        func create(_ text: String) async throws -> Answer {
            try await ask(.post, "/notes", #"{"text":"\#(text)"}"#)
        }
    }

    struct Answer {
        var status: Int
        var headers: HTTPFields
        var text: String
        var json: StrictJSON

        var id: String { json["id"]?.string ?? "" }

        /// Where the faults lie.
        var pointers: [String] {
            json["errors"]?.array?.compactMap {
                $0["pointer"]?.string ?? $0["parameter"]?.string
            } ?? []
        }
    }

    private func withService(
        _ body: @escaping @Sendable (Client) async throws -> Void
    ) async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let logger = Logger.silent
            let collection = RecordCollection<Note>(redis: redis, namespace: prefix)
            let router = CollectionRoutes(collection).router(logger: logger)
            try await Application(router: router, logger: logger).test(.router) { http in
                try await body(Client(http: http))
            }
        }
    }

    @Test func newItemCanBeFoundWhereItSays() async throws {
        try await withService { client in
            let made = try await client.create("first")
            #expect(made.status == 201)
            #expect(made.id.count == 36)
            #expect(made.headers[.location] == "/notes/\(made.id)")
            #expect(made.headers[.eTag] == "\"v1\"")
            #expect(made.json["createdAt"] == made.json["updatedAt"])
            #expect(
                made.text.hasPrefix(#"{"id":"\#(made.id)","text":"first","createdAt":""#))

            let found = try await client.ask(.get, "/notes/\(made.id)")
            #expect(found.status == 200)
            #expect(found.text == made.text)
            #expect(found.headers[.eTag] == "\"v1\"")
        }
    }

    @Test func listsComeInPagesNewestFirst() async throws {
        try await withService { client in
            var made: [String] = []
            for number in 0..<7 { made.append(try await client.create("\(number)").id) }

            var listed: [String] = []
            var after = ""
            var pages = 0
            repeat {
                let page = try await client.ask(.get, "/notes?limit=3\(after)").json
                listed += page["items"]?.array?.compactMap { $0["id"]?.string } ?? []
                after = page["next"]?.string.map { "&after=\($0)" } ?? ""
                pages += 1
            } while !after.isEmpty

            #expect(pages == 3)
            #expect(listed == made.sorted(by: >), "IDs sort by the time they were made")
        }
    }

    @Test(arguments: ["?limit=0", "?limit=101", "?limit=x", "?after=a%20b", "?after=nobody"])
    func pageThatCannotBeIsRefused(query: String) async throws {
        try await withService { client in
            let answer = try await client.ask(.get, "/notes" + query)
            #expect(answer.status == 400)
            #expect(answer.pointers == [query.contains("limit") ? "limit" : "after"])
        }
    }

    @Test func patchMakesANewVersionIfItChangesAnything() async throws {
        try await withService { client in
            let before = try await client.create("before")
            let path = "/notes/\(before.id)"

            let same = try await client.ask(.patch, path, #"{"text":"before"}"#)
            #expect(same.text == before.text)
            #expect(same.headers[.eTag] == "\"v1\"")

            let after = try await client.ask(.patch, path, #"{"text":"after"}"#)
            #expect(after.status == 200)
            #expect(after.headers[.eTag] == "\"v2\"")
            #expect(after.json["text"] == .string("after"))
            #expect(after.json["createdAt"] == before.json["createdAt"])
            #expect(try await client.ask(.get, path).text == after.text)
        }
    }

    @Test func changeOfAnOldVersionIsRefused() async throws {
        try await withService { client in
            let path = "/notes/\(try await client.create("ours").id)"
            let old: HTTPFields = [.ifMatch: "\"v1\""]

            #expect(try await client.ask(.patch, path, #"{"text":"mine"}"#, old).status == 200)
            let second = try await client.ask(.patch, path, #"{"text":"yours"}"#, old)
            #expect(second.status == 412)
            #expect(second.headers[.eTag] == "\"v2\"")
            let fresh = try await client.ask(.get, path, nil, [.ifNoneMatch: "\"v2\""])
            #expect(fresh.status == 304)
            #expect(fresh.text.isEmpty)
        }
    }

    @Test(arguments: [#"{"text":null}"#, #"{"text":""}"#, #"{"txet":"a"}"#, "[]"])
    func faultyBodyHasNoEffect(body: String) async throws {
        try await withService { client in
            let before = try await client.create("kept")
            let answer = try await client.ask(.patch, "/notes/\(before.id)", body)
            #expect(answer.status == 400)
            #expect(answer.headers[.contentType] == "application/problem+json")
            #expect(answer.pointers.count == 1)
            #expect(try await client.ask(.get, "/notes/\(before.id)").text == before.text)

            #expect(try await client.ask(.post, "/notes", body).status == 400)
            let all = try await client.ask(.get, "/notes").json["items"]?.array
            #expect(all?.count == 1)
        }
    }

    @Test func whatIsNotThereIsNotFound() async throws {
        try await withService { client in
            let missing = try await client.ask(.get, "/notes/99")
            #expect(missing.status == 404)
            #expect(missing.json["detail"] == .string("There is no such note."))
            #expect(try await client.ask(.patch, "/notes/99", "{}").status == 404)
            #expect(try await client.ask(.delete, "/notes/1").status == 405)
            #expect(try await client.ask(.put, "/notes", "{}").status == 405)
            for id in ["%7B%7D", "a%20b", "a%0Ab", "*", "%00", "a:b"] {
                #expect(try await client.ask(.get, "/notes/\(id)").status == 400)
            }
        }
    }
}
