import Gateway
import Logging
import NIOCore
import Testing

/// Clients that take their answers slowly, and those that take none.
@Suite(.timeLimit(.minutes(3)))
struct SteadyReaderTests {
    private static let size = 6 << 20

    private static func with(
        _ server: String, _ body: (_ port: Int, _ log: AccessLogTests.Lines) async throws -> Void
    ) async throws {
        let lines = AccessLogTests.Lines()
        let logger = Logger(label: "gateway") { _ in AccessLogTests.Recorder(lines: lines) }
        let origin = try await OriginServer.start { _ in
            .init(body: String(repeating: "x", count: size))
        }
        let yaml = """
            server: \(server)
            upstreams:
              shop:
                targets: ["http://127.0.0.1:\(origin.port)"]
                max_body_size: 16MiB
                timeout: 60s
            routes:
              - {name: sent, path: "/sent/{id}", upstream: shop, timeout: 60s}
              - name: kept
                path: "/kept/{id}"
                upstream: shop
                timeout: 60s
                cache: {ttl: 1h, max_body_size: 16MiB}
            """
        try await GatewayUnderTest.with(yaml, logger: logger) { port, _ in
            try await body(port, lines)
        }
        await origin.stop()
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var path: String
        var version = "1.1"
        var field = ""
        var endsSending = false

        var isKept: Bool { version == "1.1" && field.isEmpty && !endsSending }

        var testDescription: String { "\(path) \(version) \(field) \(endsSending)" }
    }

    /// Read in about three seconds: longer than a client may take nothing, and than a connection
    /// lingers.
    @Test(
        arguments: ["/sent/1", "/kept/1"].flatMap { path in
            [
                Case(path: path), Case(path: path, field: "Connection: close\r\n"),
                Case(path: path, version: "1.0"), Case(path: path, endsSending: true),
            ]
        })
    func whoTakesSomethingGetsEverything(_ one: Case) async throws {
        try await Self.with("{timeouts: {write: 1s}}") { port, log in
            let client = try await CountingConnection(port: port, pace: .milliseconds(15))
            try await client.send(
                "GET \(one.path) HTTP/\(one.version)\r\nHost: a\r\n\(one.field)\r\n")
            if one.endsSending { try await client.endSending() }
            let answer = try await client.answer()

            #expect(answer.status == 200)
            #expect(answer.body == ByteBuffer(repeating: UInt8(ascii: "x"), count: Self.size))
            if one.isKept {
                try await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                #expect(try await client.answer().status == 404)
            }
            #expect(await client.surplus() == 0)
            let expected = one.isKept ? 2 : 1
            await until { log.requests.count >= expected }
            #expect(log.requests.count == expected)
            #expect(log.requests.first?["status"]?.description == "200")
        }
    }

    @Test(arguments: ["/sent/1", "/kept/1"])
    func whoTakesNothingIsSentAwayAndCounted(_ path: String) async throws {
        try await Self.with("{timeouts: {write: 1s}}") { port, log in
            let client = try await CountingConnection(port: port, pace: .hours(1))
            try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            await until { !log.requests.isEmpty }

            #expect(log.requests.first?["status"]?.description == "499")
            let bytes = log.requests.first?["bytes"].flatMap { Int($0.description) } ?? 0
            #expect(bytes < 1 << 20, "the system and we hold a bounded part")
            await client.close()
        }
    }

    @Test func answersThatAreKeptForClientsAloneAreBounded() async throws {
        try await Self.with("{unsent: 8MiB, timeouts: {write: 60s}}") { port, log in
            let steady = try await CountingConnection(port: port, pace: .milliseconds(15))
            try await steady.send("GET /kept/1 HTTP/1.1\r\nHost: a\r\n\r\n")
            var lazy: [CountingConnection] = []
            for index in 1...4 {
                let client = try await CountingConnection(port: port, pace: .hours(1))
                try await client.send("GET /sent/\(index) HTTP/1.1\r\nHost: a\r\n\r\n")
                lazy.append(client)
            }
            let answer = try await steady.answer()

            #expect(answer.body.readableBytes == Self.size)
            await until {
                log.requests.filter { $0["status"]?.description == "499" }.count >= 3
            }
            for client in lazy { await client.close() }
        }
    }
}
