import NIOCore
import NIOPosix

/// What `MONITOR` tells of the commands that a server runs, one after another.
///
///     1339518083.107412 [0 127.0.0.1:60866] "SET" "key" "a \"quoted\" word\x00"
struct MonitorLines {
    private var chunks: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var unread: [UInt8] = []

    /// Watches a server while `body` runs, from its first command on.
    static func watching<Value>(
        port: Int, _ body: (inout MonitorLines) async throws -> Value
    ) async throws -> Value {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "MONITOR\r\n"))
            var lines = MonitorLines(chunks: inbound.makeAsyncIterator())
            _ = try await lines.line()
            return try await body(&lines)
        }
    }

    private init(chunks: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator) {
        self.chunks = chunks
    }

    /// The next command's words; nil when the server has closed the connection.
    mutating func next() async throws -> [String]? {
        try await line().map { Self.words($0) }
    }

    private mutating func line() async throws -> [UInt8]? {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                defer { unread.removeFirst(end + 1) }
                return Array(unread[..<end])
            }
            guard let chunk = try await chunks.next() else { return nil }
            unread += chunk.readableBytesView
        }
    }

    private static func words(_ line: [UInt8]) -> [String] {
        var words: [String] = []
        var word: [UInt8]?
        var rest = line[...]
        while let byte = rest.popFirst() {
            guard word != nil else {
                if byte == UInt8(ascii: "\"") { word = [] }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""):
                words.append(String(decoding: word ?? [], as: UTF8.self))
                word = nil
            case UInt8(ascii: "\\"): word?.append(unescaped(&rest))
            default: word?.append(byte)
            }
        }
        return words
    }

    private static func unescaped(_ rest: inout ArraySlice<UInt8>) -> UInt8 {
        switch rest.popFirst() {
        case UInt8(ascii: "n"): return UInt8(ascii: "\n")
        case UInt8(ascii: "r"): return UInt8(ascii: "\r")
        case UInt8(ascii: "t"): return UInt8(ascii: "\t")
        case UInt8(ascii: "a"): return 7
        case UInt8(ascii: "b"): return 8
        case UInt8(ascii: "x"):
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            rest = rest.dropFirst(2)
            return UInt8(digits, radix: 16) ?? 0
        case let byte: return byte ?? 0
        }
    }
}
