import Gateway
import Logging
import NIOCore
import Testing
import TroupeRedisTestKit

/// Clients that do not wait for their answers.
@Suite(.timeLimit(.minutes(2)))
struct HangUpTests {
    private static func with(
        _ origin: RawOrigin, _ limits: String = "connections: 64",
        _ body: (_ port: Int, _ log: RecordedLog) async throws -> Void
    ) async throws {
        let log = RecordedLog()
        let yaml = """
            upstreams:
              shop:
                targets: ["http://127.0.0.1:\(origin.port)"]
                timeout: 60s
                \(limits)
            routes:
              - {name: act, path: "/{id}", methods: [GET, POST], upstream: shop, timeout: 60s}
            """
        try await GatewayUnderTest.with(yaml, logger: log.logger) { port, _ in
            try await body(port, log)
        }
        await origin.stop()
    }

    private static let answer = ByteBuffer(
        string: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    private static func never() async throws -> RawOrigin {
        try await RawOrigin.start { $0.contains(" /never") ? nil : answer }
    }

    @Test func theWorkForAClientThatIsGoneEnds() async throws {
        let origin = try await Self.never()
        try await Self.with(origin) { port, log in
            let client = try await CountingConnection(port: port)
            try await client.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
            await until { origin.requests.count == 1 }
            #expect(origin.openConnections == 1)

            await client.close()
            await until { origin.openConnections == 0 && !log.requests.isEmpty }

            #expect(log.requests.count == 1)
            #expect(log.requests.first?["status"]?.description == "499")
            #expect(log.requests.first?["route"]?.description == "act")
        }
    }

    @Test func clientsThatAreGoneLeaveTheUpstreamToOthers() async throws {
        let origin = try await Self.never()
        try await Self.with(origin, "connections: 4") { port, log in
            for index in 1...16 {
                let client = try await CountingConnection(port: port)
                try await client.send(
                    "GET /never\(index) HTTP/1.1\r\nHost: a\r\n\r\n")
                if index <= 4 { await until { origin.requests.count == index } }
                await client.close()
            }
            let client = try await CountingConnection(port: port)
            try await client.send("GET /last HTTP/1.1\r\nHost: a\r\n\r\n")

            #expect(try await client.answer().body == ByteBuffer(string: "ok"))
            await until { log.requests.count == 17 }
            #expect(log.requests.filter { $0["status"]?.description == "499" }.count == 16)
            await client.close()
        }
    }

    @Test func whoHasOnlyEndedItsSendingIsAnswered() async throws {
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        let origin = try await OriginServer.start { _ in
            for await _ in gate { break }
            return .init(body: "\"late\"")
        }
        let yaml = """
            upstreams: {shop: {targets: ["http://127.0.0.1:\(origin.port)"], timeout: 60s}}
            routes: [{name: act, path: "/{id}", methods: [POST], upstream: shop, timeout: 60s}]
            """
        try await GatewayUnderTest.with(yaml) { port, _ in
            let client = try await CountingConnection(port: port)
            try await client.send("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            try await client.endSending()
            async let answer = client.answer()
            await until { await client.interimAnswers == 1 }
            opening.finish()

            #expect(try await answer.body == ByteBuffer(string: "\"late\""))
            #expect(await client.surplus() == 0)
            #expect(origin.count == 1)
        }
        await origin.stop()
    }

    @Test func pipelinedRequestsBeforeTheEndAreAllAnswered() async throws {
        let origin = try await Self.never()
        try await Self.with(origin) { port, log in
            let client = try await CountingConnection(port: port)
            try await client.send(
                String(repeating: "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n", count: 20))
            try await client.endSending()
            for _ in 1...20 { #expect(try await client.answer().status == 200) }

            #expect(await client.surplus() == 0)
            await until { log.requests.count >= 20 }
            #expect(log.requests.count == 20)
        }
    }

    @Test func anOldClientThatEndedItsSendingGetsALateAnswer() async throws {
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        let origin = try await OriginServer.start { _ in
            for await _ in gate { break }
            return .init(body: "late")
        }
        let yaml = """
            upstreams: {shop: {targets: ["http://127.0.0.1:\(origin.port)"], timeout: 60s}}
            routes: [{name: act, path: "/{id}", upstream: shop, timeout: 60s}]
            """
        try await GatewayUnderTest.with(yaml) { port, _ in
            let client = try await CountingConnection(port: port)
            try await client.send("GET /1 HTTP/1.0\r\n\r\n")
            try await client.endSending()
            // Once a later one of today has been asked whether it waits, it would have been too.
            let later = try await CountingConnection(port: port)
            try await later.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
            try await later.endSending()
            async let second = later.answer()
            await until { await later.interimAnswers == 1 }
            opening.finish()

            #expect(try await client.answer().body == ByteBuffer(string: "late"))
            #expect(await client.interimAnswers == 0)
            #expect(try await second.status == 200)
        }
        await origin.stop()
    }

    @Test(arguments: ["GET", "GET /1 HT", "POST /1 HTTP/1.1\r\nHost: a\r\n"])
    func aHeadThatBreaksOffCounts(_ head: String) async throws {
        let origin = try await Self.never()
        try await Self.with(origin) { port, log in
            let client = try await CountingConnection(port: port)
            try await client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n" + head)
            #expect(try await client.answer().status == 200)
            await client.close()
            await until { log.requests.count == 2 }
            let silent = try await CountingConnection(port: port)
            await silent.close()
            let other = try await RawConnection(port: port)
            #expect(try await other.get("/1").status == 200)
            await until { log.requests.count > 2 }

            #expect(log.requests.count == 3)
            #expect(log.requests.dropFirst().first?["status"]?.description == "499")
        }
    }

    @Test func anUploadThatBreaksOffCounts() async throws {
        let origin = try await Self.never()
        try await Self.with(origin) { port, log in
            let client = try await CountingConnection(port: port)
            try await client.send("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
            await client.close()
            await until { !log.requests.isEmpty }

            #expect(log.requests.first?["status"]?.description == "499")
            #expect(origin.requests.isEmpty)
        }
    }
}
