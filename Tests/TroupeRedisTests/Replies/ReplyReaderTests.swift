import NIOCore
import Testing

@testable import TroupeRedis

@Suite(.timeLimit(.minutes(3)))
struct ReplyReaderTests {
    /// Replies of every kind and shape.
    private static let corpus = [
        "+OK\r\n", "-ERR no such thing\r\n", ":0\r\n", ":-9223372036854775808\r\n",
        ":9223372036854775807\r\n", "$0\r\n\r\n", "$5\r\nhello\r\n", "$-1\r\n", "*-1\r\n",
        "*0\r\n", "+\r\n", "$4\r\n\r\n\r\n\r\n", "$3\r\n\0\u{1}\u{2}\r\n",
        "*3\r\n:1\r\n$1\r\na\r\n*2\r\n+x\r\n-ERR in place\r\n",
        "*2\r\n*2\r\n$3\r\nkey\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"
            + "*2\r\n$2\r\nk2\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*-1\r\n",
        nested(8), "*1\r\n*0\r\n", "*2\r\n*0\r\n*0\r\n",
    ]

    private static func nested(_ depth: Int) -> String {
        String(repeating: "*1\r\n", count: depth) + ":1\r\n"
    }

    /// Reads `text` in pieces of the given sizes, the last one as long as needed.
    private func read(
        _ text: some Sequence<UInt8>, pieces: [Int] = [], limits: ReplyReader.Limits = .init()
    ) -> (values: [RedisValue], error: RedisError?) {
        var values: [RedisValue] = []
        var rest = Array(text)[...]
        var sizes = pieces[...]
        do throws(RedisError) {
            let reader = try ReplyReader(limits: limits)
            while !rest.isEmpty {
                var piece = ByteBuffer(bytes: rest.prefix(sizes.popFirst() ?? rest.count))
                rest = rest.dropFirst(piece.readableBytes)
                try reader.read(&piece) { values.append($0) }
            }
            return (values, nil)
        } catch {
            return (values, error)
        }
    }

    @Test func readsTheSameHoweverTheBytesAreSplit() {
        for text in Self.corpus {
            let bytes = Array((text + "+next\r\n").utf8)
            let whole = read(bytes)
            #expect(whole.error == nil)
            #expect(whole.values.count == 2, "\(text)")
            for split in 1..<bytes.count {
                #expect(read(bytes, pieces: [split]).values == whole.values)
            }
            #expect(
                read(bytes, pieces: Array(repeating: 1, count: bytes.count)).values == whole.values)
        }
    }

    @Test func readsManyRepliesOfOneSlice() throws {
        let text = String(repeating: Self.corpus.joined(), count: 200)
        let values = read(text.utf8).values

        #expect(values.count == 200 * Self.corpus.count)
        #expect(Array(values.prefix(Self.corpus.count)) == Array(values.suffix(Self.corpus.count)))
        #expect(values[1].error?.code == .server("ERR"))
        #expect(values[3].integer == .min)
        #expect(values[7].isNull && values[8].isNull)
        #expect(values[13][2]?[1]?.error?.message == "ERR in place")
        #expect(try values[14].streams().last?.entries.first?.isDeleted == true)
    }

    @Test func readsRepliesLargerThanASlice() {
        let large = String(repeating: "0123456789", count: 30_000)
        let text = "$5\r\nfirst\r\n$\(large.utf8.count)\r\n\(large)\r\n+last\r\n"
        let values = read(text.utf8).values
        #expect(values.map(\.string) == ["first", large, "last"])
    }

    @Test func doesNotKeepALargeReplyForASmallOne() {
        let large = String(repeating: "x", count: 100_000)
        let values = read("$1\r\na\r\n$100000\r\n\(large)\r\n$1\r\nb\r\n".utf8).values
        #expect(values[0].buffer.map { $0.storageCapacity < 64 * 1024 } == true)
        #expect(values[2].buffer.map { $0.storageCapacity < 64 * 1024 } == true)
    }

    @Test func takesEightLevelsAndRefusesNine() {
        #expect(read(Self.nested(8).utf8).error == nil)
        #expect(read(Self.nested(9).utf8).error?.code == .protocolViolation)
        #expect(read(Self.nested(100_000).utf8).error?.code == .protocolViolation)
    }

    @Test(arguments: [
        "%1\r\n+a\r\n+b\r\n", "~1\r\n+a\r\n", ">1\r\n+a\r\n", "_\r\n", "#t\r\n", ",1.5\r\n",
        "(123\r\n", "=5\r\ntxt:a\r\n", "|1\r\n+a\r\n+b\r\n", "!3\r\nabc\r\n",
    ])
    func refusesRESP3(_ text: String) {
        #expect(read(text.utf8).error?.code == .protocolViolation)
    }

    @Test(arguments: [
        "$-2\r\n", "$9999999999999\r\n", "$99999999999999999999999\r\n", "*2147483648\r\n",
        "*99999999999\r\n", ":12345678901234567890\r\n", ":1x\r\n", ":\r\n", "*-2\r\n",
        "hello\r\n", "\r\n", "\0", "HTTP/1.1 400 Bad Request\r\n\r\n", "$x\r\n", "*x\r\n",
        "$3\r\nabcde\r\n", "$3\r\nabc\r\r",
    ])
    func refusesMalformedBytes(_ text: String) {
        let good = read(("+before\r\n" + text).utf8)
        #expect(good.values.first?.string == "before")
        #expect(good.error?.code == .protocolViolation)
        #expect(good.error?.outcome == .unknown)
    }

    @Test func waitsForTheFeedBehindACarriageReturn() {
        #expect(read("+a\rb".utf8).error == nil)
        #expect(read("+a\rb".utf8).values.isEmpty)
    }

    @Test func refusesAnOversizeStringWhenItIsAnnounced() {
        #expect(read("$536870913\r\n".utf8).error?.code == .protocolViolation)
        #expect(read("$629145600\r\nabc".utf8).error?.code == .protocolViolation)
        #expect(read("*2\r\n$536870912\r\n".utf8).error == nil)
    }

    @Test func refusesAReplyThatGrowsTooLarge() {
        var limits = ReplyReader.Limits()
        limits.replyBytes = 1000
        let part = "$600\r\n" + String(repeating: "x", count: 600) + "\r\n"
        #expect(read((part + part).utf8, limits: limits).error == nil)
        #expect(
            read(("*2\r\n" + part + part).utf8, limits: limits).error?.code == .protocolViolation)
        #expect(read("$1001\r\n".utf8, limits: limits).error?.code == .protocolViolation)
    }

    @Test func refusesTooManyElements() {
        var limits = ReplyReader.Limits()
        limits.replyElements = 10
        #expect(read("*9\r\n".utf8, limits: limits).error == nil)
        #expect(read("*11\r\n".utf8, limits: limits).error?.code == .protocolViolation)
        let nested = "*5\r\n" + String(repeating: "*2\r\n:1\r\n:2\r\n", count: 5)
        #expect(read(nested.utf8, limits: limits).error?.code == .protocolViolation)
    }

    @Test func reservesNothingForWhatIsOnlyAnnounced() throws {
        var limits = ReplyReader.Limits()
        limits.replyElements = Int(Int32.max)
        for text in ["*2147483647\r\n", "$536870912\r\n", "*1000000\r\n*1000000\r\n"] {
            let reader = try ReplyReader(limits: limits)
            var bytes = ByteBuffer(string: text)
            try reader.read(&bytes) { _ in }
            #expect(reader.footprint < 64 * 1024)
        }
    }

    @Test func refusesALineWithoutAnEnd() {
        var limits = ReplyReader.Limits()
        limits.lineBytes = 1000
        let line = String(repeating: "x", count: 5000)
        #expect(read("+\(line)".utf8, limits: limits).error?.code == .protocolViolation)
        #expect(read("-\(line)".utf8, limits: limits).error?.code == .protocolViolation)
        #expect(read("$11111111111\(line)".utf8, limits: limits).error?.code == .protocolViolation)
    }

    @Test func readsNothingMoreAfterAnError() throws {
        let reader = try ReplyReader()
        var bad = ByteBuffer(string: "?\r\n+OK\r\n")
        var good = ByteBuffer(string: "+OK\r\n")
        var values = 0
        #expect(throws: RedisError.self) { try reader.read(&bad) { _ in values += 1 } }
        #expect(throws: RedisError.self) { try reader.read(&good) { _ in values += 1 } }
        #expect(values == 0)
    }

    /// Damaged bytes give the same values and the same end, however they are split.
    @Test func survivesDamageAlikeInOnePieceAndInMany() async {
        var random = SplitMix(seed: 20_261_123)
        let sound = Array(Self.corpus.joined().utf8)
        for _ in 0..<1500 {
            await Task.yield()
            var bytes = sound
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...2, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                default:
                    bytes.insert(
                        contentsOf: Array("*$:+-\r\n9".utf8).shuffled(using: &random), at: place)
                }
            }
            let pieces = (0..<200).map { _ in Int.random(in: 1...40, using: &random) }
            let whole = read(bytes)
            let split = read(bytes, pieces: pieces)
            #expect(whole.values == split.values)
            #expect((whole.error == nil) == (split.error == nil))
        }
    }
}

/// Random numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
