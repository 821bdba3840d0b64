import Gateway
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct AnswerQueueTests {
    private static func address(_ bytes: ByteBuffer) -> UInt {
        bytes.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
    }

    @Test func whatGoesInComesOutInOrder() {
        var queue = AnswerQueue()
        var expected = ByteBuffer()
        for (index, length) in [10, 20_000, 0, 5, 200_000, 16_384, 16_383, 1].enumerated() {
            let head = ByteBuffer(string: "head \(index)\n")
            let body = ByteBuffer(repeating: UInt8(index), count: length)
            queue.tail.writeImmutableBuffer(head)
            queue.append(body: body, isHeld: index % 2 == 0)
            expected.writeImmutableBuffer(head)
            expected.writeImmutableBuffer(body)
        }
        #expect(queue.count == expected.readableBytes)

        var sent = ByteBuffer()
        while let piece = queue.next() {
            #expect(piece.bytes.readableBytes <= 80 * 1024)
            sent.writeImmutableBuffer(piece.bytes)
            #expect(queue.position == sent.readableBytes)
        }

        #expect(sent == expected)
        #expect(queue.isEmpty)
        #expect(queue.heldBytes == 0)
    }

    @Test func slowReadersOfOneBodyShareIt() {
        let body = ByteBuffer(repeating: 1, count: 4 << 20)
        for _ in 1...50 {
            var queue = AnswerQueue()
            queue.tail.writeString("head")
            queue.append(body: body, isHeld: false)
            _ = queue.next()
            let slices = [queue.next(), queue.next()].compactMap { $0?.bytes }

            #expect(slices.map(Self.address) == [Self.address(body), Self.address(body) + 65_536])
            #expect(queue.heldBytes == 0)
        }
    }

    @Test func memoryIsUsedAgain() {
        var queue = AnswerQueue()
        queue.tail.writeString("one")
        let first = Self.address(queue.tail)
        if var piece = queue.next() { queue.reuse(&piece.bytes) }
        queue.tail.writeString("two")

        #expect(Self.address(queue.tail) == first)
        #expect(queue.next()?.bytes == ByteBuffer(string: "two"))
    }

    @Test func aClientThatTakesSomethingIsNotStalled() {
        var progress = WriteProgress()
        let start = Moment.now()
        func isStalled(_ unsent: Int, _ second: Int) -> Bool {
            progress.isStalled(unsent, at: start + .seconds(second), limit: .seconds(3))
        }
        for second in 0..<100 { #expect(!isStalled(1_000 - second, second)) }
        #expect(!isStalled(901, 102))
        #expect(isStalled(901, 103))
        progress.reset()
        #expect(!isStalled(901, 104))
    }
}
