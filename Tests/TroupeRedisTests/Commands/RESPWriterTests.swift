import CHiredis
import NIOCore
import Testing

@testable import TroupeRedis

@Suite(.timeLimit(.minutes(3)))
struct RESPWriterTests {
    /// What hiredis makes of the same arguments.
    private func hiredis(_ arguments: [[UInt8]]) -> [UInt8] {
        let buffers = arguments.map { argument in
            let buffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: argument.count + 1)
            for (index, byte) in argument.enumerated() { buffer[index] = CChar(bitPattern: byte) }
            return buffer
        }
        defer { for buffer in buffers { buffer.deallocate() } }
        var pointers = buffers.map { UnsafePointer($0.baseAddress) }
        let lengths = arguments.map(\.count)
        var text: UnsafeMutablePointer<CChar>?
        let count = redisFormatCommandArgv(&text, Int32(arguments.count), &pointers, lengths)
        defer { redisFreeCommand(text) }
        return UnsafeBufferPointer(start: text, count: Int(count)).map { UInt8(bitPattern: $0) }
    }

    private func bytes(_ argument: RedisArgument) -> [UInt8] {
        switch argument {
        case .string(let text): Array(text.utf8)
        case .integer(let number): Array(String(number).utf8)
        case .bytes(let bytes): bytes
        case .buffer(let buffer): Array(buffer.readableBytesView)
        }
    }

    private func expectEqual(_ name: String, _ arguments: [RedisArgument]) {
        let command = RedisCommand(name, arguments)
        #expect(command.encoded == hiredis([Array(name.utf8)] + arguments.map(bytes)))
    }

    @Test func argumentsEncodedAsTheyComeAreTheSame() {
        let numbers = [0, 9, 10, -1, -10, 99_999, 1 << 40, Int.max, Int.min]
        let texts = ["", "a", "ü", String(repeating: "x", count: 1_000)]
        var first = RedisArguments()
        var second = RedisArguments(capacity: 64)
        for number in numbers { first.append(number) }
        for text in texts { second.append(text) }
        second.append([0, 13, 10, 255])
        second.append(-1.5)

        let command = RedisCommand("X", ["y"], followedBy: [first, second])

        let plain: [RedisArgument] =
            ["y"] + numbers.map { .integer($0) } + texts.map { .string($0) }
            + [.bytes([0, 13, 10, 255]), .double(-1.5)]
        #expect(command.encoded == hiredis([[UInt8(ascii: "X")]] + plain.map(bytes)))
        first.append(contentsOf: second)
        #expect(RedisCommand("X", ["y"], followedBy: [first]).encoded == command.encoded)
    }

    @Test func writesWhatHiredisWrites() {
        expectEqual("PING", [])
        expectEqual("SET", ["key", ""])
        expectEqual("SET", ["ключ", "värde\r\n$5\r\n\0"])
        expectEqual("X", [.integer(0), .integer(-1), .integer(.max), .integer(.min), 10, 99, 100])
        expectEqual("X", [.bytes([]), .bytes([0, 13, 10, 255]), .buffer(ByteBuffer(string: "b"))])
        expectEqual("X", [.string(String(repeating: "ab", count: 5000))])
        expectEqual("X", Array(repeating: "a", count: 1000))
    }

    @Test func writesRandomCommandsAsHiredisDoes() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let arguments = (0..<Int.random(in: 0...12, using: &random)).map { _ -> RedisArgument in
                let bytes = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                switch Int.random(in: 0...3, using: &random) {
                case 0: return .integer(Int.random(in: .min ... .max, using: &random))
                case 1: return .string(String(decoding: bytes, as: UTF8.self))
                case 2: return .buffer(ByteBuffer(bytes: bytes))
                default: return .bytes(bytes)
                }
            }
            expectEqual("XADD", arguments)
        }
    }

    @Test func writesTheUnreadPartOfABuffer() {
        var buffer = ByteBuffer(string: "abcdef")
        buffer.moveReaderIndex(forwardBy: 2)
        #expect(RedisCommand("ECHO", [.buffer(buffer)]).encoded.suffix(6) == Array("cdef\r\n".utf8))
    }

    @Test func writesScoresSoThatTheyReadBackEqual() {
        for score in [0.1, -1.5, 1e300, .infinity, -.infinity, 17, 1 / 3] {
            guard case .string(let text) = RedisArgument.double(score) else {
                Issue.record("not text")
                return
            }
            #expect(Double(text) == score)
        }
    }

    @Test func roundsShortTimesUpToAMillisecond() {
        #expect(RedisArgument.milliseconds(.microseconds(3)) == .integer(1))
        #expect(RedisArgument.milliseconds(.seconds(2)) == .integer(2000))
    }
}
