import Gateway
import Logging
import NIOCore
import Testing
import TroupeRedisTestKit

/// Clients that take their answers slowly, and those that take none.
@Suite(.timeLimit(.minutes(3)))
struct SteadyReaderTests {
    private static let size = 6 << 20

    private static func with(
        _ server: String, size: Int = size,
        _ body: (_ port: Int, _ log: RecordedLog) async throws -> Void
    ) async throws {
        let log = RecordedLog()
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
        try await GatewayUnderTest.with(yaml, logger: log.logger) { port, _ in
            try await body(port, log)
        }
        await origin.stop()
    }

    /// How a client reads, and what the gateway's system holds for it.
    ///
    /// With each it takes some three seconds: longer than a client may take nothing, and than a
    /// connection lingers.
    enum Pace: String, CaseIterable {
        /// As much as there is.
        case greedy
        /// 2 MB a second, from a small send buffer.
        case steady
        /// 0.3 MB a second, from a small send buffer.
        case slow

        var size: Int {
            switch self {
            case .greedy, .steady: SteadyReaderTests.size
            case .slow: 1 << 20
            }
        }

        var server: String {
            let buffer = self == .greedy ? "" : "send_buffer: 8KiB, "
            return "{\(buffer)timeouts: {write: 1s}}"
        }

        func connect(_ port: Int) async throws -> CountingConnection {
            switch self {
            case .greedy: try await CountingConnection(port: port, pace: .milliseconds(15))
            case .steady:
                try await CountingConnection(
                    port: port, pace: .milliseconds(15), portion: 30 * 1024)
            case .slow:
                try await CountingConnection(
                    port: port, pace: .milliseconds(25), portion: 7_500, buffer: 8 * 1024)
            }
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var path: String
        var version = "1.1"
        var field = ""
        var endsSending = false

        var isKept: Bool { version == "1.1" && field.isEmpty && !endsSending }

        var testDescription: String { "\(path) \(version) \(field) \(endsSending)" }
    }

    @Test(
        arguments: ["/sent/1", "/kept/1"].flatMap { path in
            [
                Case(path: path), Case(path: path, field: "Connection: close\r\n"),
                Case(path: path, version: "1.0"), Case(path: path, endsSending: true),
            ]
        }, Pace.allCases)
    func whoTakesSomethingGetsEverything(_ one: Case, _ pace: Pace) async throws {
        try await Self.with(pace.server, size: pace.size) { port, log in
            let client = try await pace.connect(port)
            try await client.send(
                "GET \(one.path) HTTP/\(one.version)\r\nHost: a\r\n\(one.field)\r\n")
            if one.endsSending { try await client.endSending() }
            let answer = try await client.answer()

            #expect(answer.status == 200)
            #expect(answer.body == ByteBuffer(repeating: UInt8(ascii: "x"), count: pace.size))
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

    #if os(Linux)
        /// 20 KB a second: the system takes more only when 32 KiB have left it.
        @Test(arguments: ["/sent/1", "/kept/1"])
        func whoTakesLittleIsSeenToTakeSomething(_ path: String) async throws {
            try await Self.with("{timeouts: {write: 1s}}", size: 128 * 1024) { port, log in
                let client = try await CountingConnection(
                    port: port, pace: .milliseconds(200), portion: 4 * 1024, buffer: 4 * 1024)
                try await client.send(
                    "GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                let answer = try await client.answer()

                #expect(answer.body.readableBytes == 128 * 1024)
                #expect(await client.surplus() == 0)
                #expect(log.requests.first?["status"]?.description == "200")
            }
        }
    #endif

    /// 3 seconds of the answer are with the system when the gateway has handed on its last byte.
    @Test func whatComesInLateTakesNothingOfTheAnswerAway() async throws {
        try await Self.with("{timeouts: {write: 10s}}", size: 72 * 1024) { port, _ in
            let client = try await CountingConnection(
                port: port, pace: .milliseconds(200), portion: 4 * 1024, buffer: 4 * 1024)
            try await client.send(
                "GET /kept/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let channel = client.channel
            channel.eventLoop.scheduleRepeatedTask(
                initialDelay: .milliseconds(50), delay: .milliseconds(50)
            ) { task in
                guard channel.isActive else { return task.cancel() }
                channel.writeAndFlush(ByteBuffer(string: "x"), promise: nil)
            }

            #expect(try await client.answer().body.readableBytes == 72 * 1024)
            await client.close()
        }
    }

    @Test func theSystemHoldsNoMoreThanTheSendBuffer() async throws {
        func held(_ server: String) async throws -> Int {
            var held = 0
            try await Self.with("{\(server)timeouts: {write: 500ms}}") { port, log in
                let client = try await CountingConnection(port: port, pace: .hours(1))
                try await client.send("GET /sent/1 HTTP/1.1\r\nHost: a\r\n\r\n")
                await until { !log.requests.isEmpty }
                // The gateway has given up; its system still hands out what it had taken.
                try await client.channel.setOption(.autoRead, value: true).get()
                client.channel.read()
                held = await client.surplus()
            }
            return held
        }
        let least = try await held("send_buffer: 8KiB, ")
        let most = try await held("")

        #expect(least > 0)
        #expect(least + 32 * 1024 < most)
        #expect(most < 256 * 1024)
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
