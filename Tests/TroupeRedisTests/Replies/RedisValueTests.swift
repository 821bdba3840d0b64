import NIOCore
import Testing

@testable import TroupeRedis

@Suite(.timeLimit(.minutes(3)))
struct RedisValueTests {
    private func value(_ text: String) throws -> RedisValue {
        var found: [RedisValue] = []
        var bytes = ByteBuffer(string: text)
        try ReplyReader().read(&bytes) { found.append($0) }
        return try #require(found.first)
    }

    @Test func convertsBetweenTextAndNumbers() throws {
        #expect(try value("$2\r\n42\r\n").integer == 42)
        #expect(try value("$3\r\n1.5\r\n").double == 1.5)
        #expect(try value("$3\r\ninf\r\n").double == .infinity)
        #expect(try value(":7\r\n").string == nil)
        #expect(try value("+OK\r\n").string == "OK")
        #expect(try value("$2\r\nxx\r\n").integer == nil)
    }

    @Test func reachesElementsAtEveryDepth() throws {
        let value = try value("*3\r\n*2\r\n:1\r\n:2\r\n$1\r\nx\r\n*1\r\n*1\r\n:9\r\n")
        #expect(value[0]?[1]?.integer == 2)
        #expect(value[1]?.string == "x")
        #expect(value[2]?[0]?[0]?.integer == 9)
        #expect(value[3] == nil)
        #expect(value[1]?[0] == nil)
        #expect(value[-1] == nil)
        #expect(value.array?.map(\.description) == ["[1, 2]", "\"x\"", "[[9]]"])
    }

    @Test func saysWhenAReplyHasAnotherShape() throws {
        let integer = try value(":7\r\n")
        #expect(throws: RedisError.self) { try integer.requireString() }
        #expect(throws: RedisError.self) { try integer.requireArray() }
        #expect(throws: RedisError.self) { try integer.streams() }
        #expect(throws: RedisError.self) { try integer.streamEntries() }
        #expect(throws: RedisError.self) { try integer.streamClaim() }
        #expect(throws: RedisError.self) { try integer.fields() }
        let odd = try value("*1\r\n+a\r\n")
        #expect(throws: RedisError.self) { try odd.fields() }
        #expect(throws: RedisError.self) { try odd.scoredMembers() }
        #expect(throws: RedisError.self) { try odd.pendingEntries() }
    }

    @Test func takesNothingForAnEmptyResult() throws {
        let nothing = try value("*-1\r\n")
        #expect(try nothing.streams().isEmpty)
        #expect(try nothing.streamEntries().isEmpty)
        #expect(try nothing.fields().isEmpty)
        #expect(try nothing.strings().isEmpty)
    }

    @Test func repairsMalformedText() throws {
        var found: [RedisValue] = []
        var bytes = ByteBuffer(bytes: Array("$2\r\n".utf8) + [0xff, 0x41] + Array("\r\n".utf8))
        try ReplyReader().read(&bytes) { found.append($0) }
        #expect(found.first?.string == "\u{fffd}A")
        #expect(found.first?.buffer == ByteBuffer(bytes: [0xff, 0x41]))
    }
}
