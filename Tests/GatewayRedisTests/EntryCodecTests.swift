import Gateway
import NIOCore
import Testing

@testable import GatewayRedis

private func entry(
    tags: [CacheTag: Generation] = [CacheTag("order", "1"): Generation(number: 42, keeper: "a/b")]
) -> SecondLevelEntry {
    SecondLevelEntry(
        status: 200, head: ByteBuffer(string: "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\n"),
        notModifiedHead: ByteBuffer(string: "HTTP/1.1 304 Not Modified\r\n"),
        body: ByteBuffer(string: "{\"id\":\"1\"}"), entityTag: "\"v1\"",
        lastModified: 784_111_777, age: .seconds(3), lifetime: .seconds(60),
        generations: Generations(epoch: Generation(number: 7, keeper: "a/b"), values: tags))
}

@Suite(.timeLimit(.minutes(3)))
struct EntryCodecTests {
    @Test func whatIsWrittenIsRead() throws {
        let written = entry(tags: [
            CacheTag("order", "1"): Generation(number: 42, keeper: "a/b"),
            CacheTag("user", "a b"): Generation(number: .max, keeper: "another/node"),
        ])
        let read = try #require(EntryCodec.decode(EntryCodec.encode(written), remaining: 60_000))

        #expect(read.status == 200)
        #expect(read.head == written.head)
        #expect(read.notModifiedHead == written.notModifiedHead)
        #expect(read.body == written.body)
        #expect(read.entityTag == "\"v1\"")
        #expect(read.lastModified == 784_111_777)
        #expect(read.age == .seconds(3))
        #expect(read.lifetime == .seconds(60))
        #expect(read.generations == written.generations)
    }

    @Test func whatIsAbsentStaysAbsent() throws {
        var written = entry()
        written.notModifiedHead = nil
        written.entityTag = nil
        written.lastModified = nil
        written.body = ByteBuffer()
        let read = try #require(EntryCodec.decode(EntryCodec.encode(written), remaining: 1))

        #expect(read.notModifiedHead == nil)
        #expect(read.entityTag == nil)
        #expect(read.lastModified == nil)
        #expect(read.body.readableBytes == 0)
    }

    @Test func entryAgesByTheTimeItWasKept() throws {
        let read = try #require(EntryCodec.decode(EntryCodec.encode(entry()), remaining: 45_000))

        #expect(read.age == .seconds(18))
        #expect(read.lifetime == .seconds(45))
    }

    @Test(arguments: [0, -1, -2])
    func entryWithoutATimeToLiveIsNone(remaining: Int) {
        #expect(EntryCodec.decode(EntryCodec.encode(entry()), remaining: remaining) == nil)
    }

    @Test func everyCutIsNoEntry() {
        let whole = EntryCodec.encode(entry())
        for length in 0..<whole.readableBytes {
            let cut = whole.getSlice(at: 0, length: length) ?? ByteBuffer()
            #expect(EntryCodec.decode(cut, remaining: 60_000) == nil)
        }
    }

    @Test func changedBytesNeverCrash() {
        let whole = Array(EntryCodec.encode(entry()).readableBytesView)
        for index in whole.indices {
            for value: UInt8 in [0, 1, 127, 255] {
                var bytes = whole
                bytes[index] = value
                _ = EntryCodec.decode(ByteBuffer(bytes: bytes), remaining: 60_000)
            }
        }
    }
}
