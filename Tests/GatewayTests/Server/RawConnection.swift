import NIOCore
import NIOPosix

/// A client that sends the bytes it is told and reads answers without a library between.
final class RawConnection: Sendable {
    struct Answer: Sendable {
        var status: Int
        var fields: [String: String]
        var body: String
    }

    struct Ended: Error {}

    private let channel: any Channel
    private let incoming: Incoming

    /// What has come, as one task reads it.
    private actor Incoming {
        private var iterator: AsyncStream<ByteBuffer>.Iterator
        private var buffer = ByteBuffer()

        init(_ stream: AsyncStream<ByteBuffer>) {
            iterator = stream.makeAsyncIterator()
        }

        func more() async -> Bool {
            var iterator = iterator
            let piece = await iterator.next(isolation: self)
            self.iterator = iterator
            guard var piece else { return false }
            buffer.writeBuffer(&piece)
            return true
        }

        func answer(isHead: Bool) async throws -> Answer {
            while true {
                let text = String(buffer: buffer)
                if let end = text.range(of: "\r\n\r\n") {
                    let head = text[..<end.lowerBound].split(separator: "\r\n")
                    let length = text[..<end.upperBound].utf8.count
                    var fields: [String: String] = [:]
                    for line in head.dropFirst() {
                        let colon = line.firstIndex(of: ":") ?? line.endIndex
                        let name = line[..<colon].lowercased()
                        let value = String(line[colon...].dropFirst(2))
                        fields[name] = fields[name].map { "\($0), \(value)" } ?? value
                    }
                    let status = Int(head.first?.dropFirst(9).prefix(3) ?? "") ?? 0
                    let isBodiless = isHead || status == 304 || status == 204 || status == 100
                    let expected = isBodiless ? 0 : Int(fields["content-length"] ?? "") ?? 0
                    while buffer.readableBytes < length + expected {
                        guard await more() else { throw Ended() }
                    }
                    buffer.moveReaderIndex(forwardBy: length)
                    let body = buffer.readString(length: expected) ?? ""
                    return Answer(status: status, fields: fields, body: body)
                }
                guard await more() else { throw Ended() }
            }
        }

        /// Whatever still comes until the other side closes.
        func rest() async -> String {
            while await more() {}
            return String(buffer: buffer)
        }
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let continuation: AsyncStream<ByteBuffer>.Continuation

        init(_ continuation: AsyncStream<ByteBuffer>.Continuation) {
            self.continuation = continuation
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            continuation.yield(unwrapInboundIn(data))
        }

        func channelInactive(context: ChannelHandlerContext) {
            continuation.finish()
        }
    }

    init(port: Int) async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
        incoming = Incoming(stream)
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Reader(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// Nothing more will be sent; answers are still awaited.
    func endSending() async throws { try? await channel.close(mode: .output).get() }

    func answer(isHead: Bool = false) async throws -> Answer {
        try await incoming.answer(isHead: isHead)
    }

    func rest() async -> String { await incoming.rest() }

    func close() async { try? await channel.close() }

    /// One request and its answer.
    func request(
        _ method: String, _ target: String, _ fields: [String] = [], body: String = ""
    ) async throws -> Answer {
        let length = body.isEmpty ? [] : ["Content-Length: \(body.utf8.count)"]
        let lines = ["\(method) \(target) HTTP/1.1", "Host: shop"] + fields + length
        try await send(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
        return try await answer(isHead: method == "HEAD")
    }

    func get(_ target: String, _ fields: [String] = []) async throws -> Answer {
        try await request("GET", target, fields)
    }
}

extension StringProtocol {
    fileprivate func range(of pattern: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(pattern) {
                return start..<index(start, offsetBy: pattern.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
