import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JSONText
import Logging
import NIOCore
import NIOPosix
import ServiceHTTP
import ServiceLifecycle
import Testing

@testable import SandboxService

@Suite(.timeLimit(.minutes(1)))
struct SandboxServerTests {
    /// Asks the sandbox as its clients do.
    struct Client {
        let http: any TestClientProtocol

        func post(
            _ path: String, _ body: String, key: String?
        ) async throws -> (status: Int, json: StrictJSON) {
            var fields: HTTPFields = [.contentType: "application/json"]
            if let key, let name = HTTPField.Name("Idempotency-Key") { fields[name] = key }
            let response = try await http.execute(
                uri: path, method: .post, headers: fields, body: ByteBuffer(string: body))
            return try (response.status.code, Self.json(response))
        }

        func get(_ path: String) async throws -> (status: Int, json: StrictJSON) {
            let response = try await http.execute(uri: path, method: .get)
            return try (response.status.code, Self.json(response))
        }

        func charge(
            _ token: String, key: String, reference: String = "42"
        ) async throws -> (status: Int, json: StrictJSON) {
            try await post(
                "/charges",
                #"{"amount":500,"currency":"EUR","token":"\#(token)","reference":"\#(reference)"}"#,
                key: key)
        }

        static func json(_ response: TestResponse) throws -> StrictJSON {
            try StrictJSON.parse(Array(response.body.readableBytesView))
        }
    }

    private func withSandbox(
        silence: Duration = .milliseconds(20), path: String? = nil,
        _ body: @escaping @Sendable (Client) async throws -> Void
    ) async throws {
        try await withTemporaryPath { temporary in
            let sandbox = try Sandbox(path: path ?? temporary, logger: .silent)
            let router = SandboxServer.router(sandbox, silence: silence, logger: .silent)
            try await Application(router: router, logger: .silent).test(.router) { http in
                try await body(Client(http: http))
            }
        }
    }

    private let parcel = """
        {"reference":"42","productId":"1","quantity":2,
         "address":{"street":"S 1","city":"Köln","postcode":"50667","country":"DE"}}
        """

    @Test func aChargeSaysWhatItTook() async throws {
        try await withSandbox { client in
            let first = try await client.charge("tok_visa", key: "\"42:charge\"")
            #expect(first.status == 201)
            #expect(first.json["id"] == .string("ch_1"))
            #expect(first.json["status"] == .string("succeeded"))
            #expect(first.json["amount"] == .integer(500))
            #expect(first.json["currency"] == .string("EUR"))
            #expect(first.json["reference"] == .string("42"))
            #expect(first.json["key"] == .string("42:charge"))

            let again = try await client.charge("tok_visa", key: "42:charge")
            #expect(again.status == 201)
            #expect(again.json == first.json)

            let found = try await client.get("/charges/42:charge")
            for name in ["id", "status", "amount", "currency", "reference", "key", "createdAt"] {
                #expect(found.json[name] == first.json[name], "\(name)")
            }
            #expect(found.json["state"] == .string("standing"))
            #expect(try await client.get("/charges/43:charge").status == 404)
        }
    }

    @Test func refusalsKeepTheirCodes() async throws {
        try await withSandbox { client in
            for (token, status, code) in [
                ("tok_declined", 402, "card_declined"),
                ("tok_insufficient_funds", 402, "insufficient_funds"),
                ("tok_nobody", 400, "unknown_token"), ("tok_flaky", 503, "unavailable"),
                ("tok_flaky", 503, "unavailable"),
            ] {
                let answer = try await client.charge(token, key: token)
                #expect(answer.status == status)
                #expect(answer.json["code"] == .string(code))
            }
            #expect(try await client.charge("tok_flaky", key: "tok_flaky").status == 201)
            #expect(try await client.charge("tok_declined", key: "tok_declined").status == 402)

            let reused = try await client.charge("tok_visa", key: "tok_declined")
            #expect(reused.status == 422)
            #expect(reused.json["code"] == .string("idempotency_key_reused"))
        }
    }

    @Test(arguments: [nil, "", " ", "a b", "é", "\"", String(repeating: "k", count: 256)])
    func anAcceptableKeyIsNeeded(key: String?) async throws {
        try await withSandbox { client in
            let answer = try await client.post("/refunds", "{}", key: key)
            #expect(answer.status == 400)
            #expect(answer.json["errors"]?.array?.first?["header"] == .string("Idempotency-Key"))
            #expect(try await client.get("/books").json["entries"]?["refunds"] == .object([]))
        }
    }

    @Test func parcelsGoTheirWay() async throws {
        let parcel = parcel
        try await withSandbox { client in
            let shipment = try await client.post("/shipments", parcel, key: "42:ship")
            #expect(shipment.status == 201)
            #expect(shipment.json["status"] == .string("arranged"))
            #expect(shipment.json["trackingNumber"] == .string("TRACK-1000001"))

            let away = try await client.post(
                "/shipments", parcel.replacing("\"DE\"", with: "\"AQ\""), key: "43:ship")
            #expect(away.status == 422)
            #expect(away.json["code"] == .string("country_not_served"))

            let about = #"{"shipmentKey":"42:ship"}"#
            let sent = try await client.post("/dispatches", about, key: "42:dispatch")
            #expect(sent.status == 201)
            #expect(sent.json["status"] == .string("dispatched"))
            let late = try await client.post("/cancellations", about, key: "42:cancel")
            #expect(late.status == 409)
            #expect(late.json["code"] == .string("already_dispatched"))
        }
    }

    @Test func refundsAndBooksAddUp() async throws {
        try await withSandbox { client in
            for index in 0..<10 {
                _ = try await client.charge("tok_visa", key: "c\(index)", reference: "\(index)")
            }
            for index in 0..<4 {
                let body = #"{"chargeKey":"c\#(index)","reason":"shipping failed"}"#
                let refund = try await client.post("/refunds", body, key: "r\(index)")
                #expect(refund.json["status"] == .string("refunded"))
                #expect(refund.json["amount"] == .integer(500))
            }
            let void = try await client.post(
                "/refunds", #"{"chargeKey":"never","reason":"x"}"#, key: "r9")
            #expect(void.status == 201)
            #expect(void.json["status"] == .string("nothing_to_refund"))
            #expect(void.json["amount"] == .integer(0))
            #expect(try await client.charge("tok_visa", key: "never").status == 409)

            let money = try await client.get("/books").json["money"]?["EUR"]
            #expect(money?["charged"] == .integer(5000))
            #expect(money?["refunded"] == .integer(2000))
            #expect(money?["net"] == .integer(3000))
        }
    }

    @Test func listsComeInPagesAndByReference() async throws {
        try await withSandbox { client in
            for index in 0..<25 {
                _ = try await client.charge(
                    "tok_visa", key: "c\(index)", reference: "\(index % 5)")
            }

            var keys: [String] = []
            var after = ""
            repeat {
                let page = try await client.get("/charges?limit=10" + after).json
                keys += page["items"]?.array?.compactMap { $0["key"]?.string } ?? []
                after = page["next"]?.string.map { "&after=\($0)" } ?? ""
            } while !after.isEmpty
            #expect(keys == (0..<25).map { "c\($0)" })

            let some = try await client.get("/charges?reference=3").json["items"]?.array
            #expect(some?.compactMap { $0["key"]?.string } == ["c3", "c8", "c13", "c18", "c23"])
            #expect(try await client.get("/charges?after=x").status == 400)
            #expect(try await client.get("/charges?limit=1000").status == 400)
        }
    }

    @Test func everyFaultyFieldIsNamed() async throws {
        try await withSandbox { client in
            let charge = try await client.post(
                "/charges", #"{"amount":0,"currency":"eur","token":5}"#, key: "k")
            #expect(charge.json["errors"]?.array?.count == 4)
            let parcel = try await client.post("/shipments", #"{"quantity":1.5}"#, key: "k")
            let pointers = parcel.json["errors"]?.array?.compactMap { $0["pointer"]?.string }
            #expect(pointers == ["/reference", "/productId", "/quantity", "/address"])
        }
    }

    @Test func whatWasAnsweredOutlivesTheProcess() async throws {
        try await withTemporaryPath { path in
            try await withSandbox(path: path) { client in
                let first = try await client.charge("tok_visa", key: "a")
                #expect(first.status == 201)
                #expect(try await client.charge("tok_declined", key: "b").status == 402)
                _ = try await client.post(
                    "/refunds", #"{"chargeKey":"void","reason":"x"}"#, key: "r")
            }
            try await withSandbox(path: path) { client in
                let again = try await client.charge("tok_visa", key: "a")
                #expect(again.json["id"] == .string("ch_1"))
                #expect(try await client.charge("tok_declined", key: "b").status == 402)
                #expect(try await client.charge("tok_visa", key: "b").status == 422)
                #expect(try await client.charge("tok_visa", key: "void").status == 409)
                #expect(try await client.charge("tok_visa", key: "c").json["id"] == .string("ch_4"))
            }
        }
    }

    @Test func theBooksBeginWithTheOrderThatANewSystemShows() async throws {
        try await withTemporaryPath { path in
            let sandbox = try Sandbox(path: path, logger: .silent)
            try await SandboxSeed.plant(in: sandbox)
            try await SandboxSeed.plant(in: sandbox)
            #expect(sandbox.read { $0.tally.money } == ["EUR": .init(charged: 1999)])
            #expect(sandbox.read { $0.tally.shipments } == [.dispatched: 1])
        }
        try await withTemporaryPath { path in
            let used = try Sandbox(path: path, logger: .silent)
            _ = try await used.submit(BooksTests.charge(.visa), key: "k")
            try await SandboxSeed.plant(in: used)
            #expect(used.read { $0.entries.count } == 1)
        }
    }

    @Test func manyAttemptsUnderOneKeyChargeOnce() async throws {
        try await withSandbox { client in
            let ids = try await withThrowingTaskGroup(of: StrictJSON?.self) { group in
                for _ in 0..<50 {
                    group.addTask { try await client.charge("tok_visa", key: "k").json["id"] }
                }
                return try await group.reduce(into: Set<StrictJSON?>()) { $0.insert($1) }
            }
            #expect(ids == [.string("ch_1")])
            let money = try await client.get("/books").json["money"]?["EUR"]
            #expect(money?["charged"] == .integer(500))
        }
    }

    @Test func aTimeoutCardIsChargedWithoutAnAnswer() async throws {
        try await withTemporaryPath { path in
            var configuration = SandboxServerConfiguration(path: path, port: 0)
            configuration.silence = .milliseconds(50)
            let server = try SandboxServer(configuration: configuration, logger: .silent)
            let group = ServiceGroup(services: [server], logger: .silent)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                let port = try await server.boundPort.value
                for _ in 0..<2 {
                    let answer = try await Self.send(chargeWithTimeout, to: port)
                    #expect(answer.isEmpty)
                }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }

    private let chargeWithTimeout: String = {
        let body = #"{"amount":500,"currency":"EUR","token":"tok_timeout","reference":"1"}"#
        return "POST /charges HTTP/1.1\r\nHost: a\r\nIdempotency-Key: k\r\n"
            + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }()

    /// Everything the server says before it closes the connection.
    private static func send(_ text: String, to port: Int) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            var received = ""
            for try await buffer in inbound { received += String(buffer: buffer) }
            return received
        }
    }
}
