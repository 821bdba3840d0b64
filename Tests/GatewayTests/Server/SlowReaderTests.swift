import Gateway
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing
import TroupeRedisTestKit

/// Clients that ask for much and do not take the answers.
@Suite(.timeLimit(.minutes(3)))
struct SlowReaderTests {
    private static let requests = 1_500
    private static let bodyBytes = 64 * 1024

    private static func with(
        writeTimeout: String,
        _ body: (_ reader: LazyReader, _ answered: RecordedLog) async throws -> Void
    ) async throws {
        let log = RecordedLog()
        let value = String(repeating: "x", count: bodyBytes - 2)
        let origin = try await OriginServer.start { _ in .init(body: "\"\(value)\"") }
        let yaml = """
            server: {timeouts: {write: \(writeTimeout), idle: 60s}, access_log: {hits: 100%}}
            upstreams: {shop: {targets: ["http://127.0.0.1:\(origin.port)"]}}
            routes:
              - {name: item, path: "/items/{id}", upstream: shop, cache: {ttl: 1h}}
            """
        try await GatewayUnderTest.with(yaml, logger: log.logger) { port, _ in
            let reader = try await LazyReader(port: port)
            // Long heads, so that not even all requests are taken in.
            let head =
                "GET /items/1 HTTP/1.1\r\nHost: a\r\nX-Long: "
                + String(repeating: "x", count: 1_000) + "\r\n\r\n"
            reader.send(String(repeating: head, count: requests))
            reader.send("GET /last HTTP/1.1\r\nHost: a\r\n\r\n")
            try await body(reader, log)
        }
        await origin.stop()
    }

    @Test func whoDoesNotReadIsSentAwayAndCostsLittleMemory() async throws {
        try await Self.with(writeTimeout: "1s") { reader, answered in
            await reader.ended()

            // What the sockets hold, and two chunks of the gateway's own.
            let bytes = answered.requests.count * Self.bodyBytes
            #expect(bytes > 0)
            #expect(bytes < 24 * 1024 * 1024, "of \(Self.requests * Self.bodyBytes)")
        }
    }

    @Test func whoReadsLateGetsEverything() async throws {
        try await Self.with(writeTimeout: "60s") { reader, answered in
            while answered.requests.isEmpty, !Task.isCancelled { await Task.yield() }
            reader.begin()
            await reader.received(last: "HTTP/1.1 404 ")

            #expect(answered.requests.count == Self.requests + 1)
            #expect(answered.requests.dropLast().allSatisfy { $0["status"]?.description == "200" })
            #expect(reader.bytes > Self.requests * Self.bodyBytes)
            reader.close()
        }
    }
}

/// A connection that is not read until it is told to be.
private final class LazyReader: Sendable {
    private let channel: any Channel
    private let counter: Counter

    /// Counts bytes, and keeps the end of them.
    private final class Counter: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let received = Mutex((count: 0, end: ""))

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            received.withLock { received in
                received.count += bytes.readableBytes
                received.end += String(
                    decoding: bytes.readableBytesView.suffix(2_000), as: UTF8.self)
                received.end = String(received.end.suffix(2_000))
            }
        }
    }

    init(port: Int) async throws {
        let counter = Counter()
        self.counter = counter
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: false)
            .channelOption(.socketOption(.so_rcvbuf), value: 64 * 1024)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(counter)
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    /// Does not wait until the other side has taken it.
    func send(_ text: String) {
        channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
    }

    func begin() {
        channel.setOption(.autoRead, value: true).whenComplete { _ in self.channel.read() }
    }

    var bytes: Int { counter.received.withLock { $0.count } }

    /// Waits until the end of what has come holds a text, or the connection is closed.
    func received(last text: String) async {
        await until {
            !channel.isActive || counter.received.withLock { $0.end.contains(text) }
        }
    }

    func ended() async { try? await channel.closeFuture.get() }

    func close() { channel.close(promise: nil) }
}
