import DequeModule
package import NIOCore

/// What a connection has still to send, in order; pure.
///
///     heads, small bodies ─► one behind the other, in memory of the connection's own
///     large bodies        ─► as they are: all who are sent the same one share its bytes
///
/// It is given out in slices. Beyond a body that the cache keeps anyway, a client that does not
/// read costs a slice.
package struct AnswerQueue {
    private struct Segment {
        var bytes: ByteBuffer
        /// Whether this connection alone keeps them in memory.
        let isHeld: Bool
    }

    /// Where heads and small bodies go: behind everything else.
    package var tail = ByteBuffer()
    private var segments = Deque<Segment>()
    private var segmentBytes = 0
    /// Bytes of large bodies that nobody else keeps.
    package private(set) var heldBytes = 0
    /// Bytes given out so far.
    package private(set) var position = 0

    /// Smaller bodies are copied: that costs less than a write of their own.
    private static let sharedFrom = 16 * 1024
    private static let slice = 64 * 1024
    /// Memory that is kept between answers.
    private static let keptCapacity = 8 * 1024

    package var count: Int { segmentBytes + tail.readableBytes }
    package var isEmpty: Bool { count == 0 }
    /// Where what has been put in ends.
    package var end: Int { position + count }
    /// Whether a large body waits.
    package var hasBodies: Bool { !segments.isEmpty }

    package init() {}

    /// How much of a body of some length goes into the connection's own memory.
    package static func copied(_ length: Int) -> Int { length < sharedFrom ? length : 0 }

    /// - Parameter isHeld: whether nobody else, such as the cache, keeps the body.
    package mutating func append(body: ByteBuffer, isHeld: Bool) {
        guard body.readableBytes >= Self.sharedFrom else {
            tail.writeImmutableBuffer(body)
            return
        }
        if tail.readableBytes > 0 {
            append(Segment(bytes: tail, isHeld: false))
            tail = ByteBuffer()
        }
        append(Segment(bytes: body, isHeld: isHeld))
        if isHeld { heldBytes += body.readableBytes }
    }

    private mutating func append(_ segment: Segment) {
        segmentBytes += segment.bytes.readableBytes
        segments.append(segment)
    }

    /// The next bytes, or `nil` if there are none.
    ///
    /// Those of the connection's own memory may be given back to `reuse` once they are sent.
    package mutating func next() -> (bytes: ByteBuffer, isOwn: Bool)? {
        guard !segments.isEmpty else {
            guard tail.readableBytes > 0 else { return nil }
            var bytes = ByteBuffer()
            swap(&bytes, &tail)
            position += bytes.readableBytes
            return (bytes, true)
        }
        let length = min(segments[0].bytes.readableBytes, Self.slice)
        let bytes = segments[0].bytes.readSlice(length: length) ?? ByteBuffer()
        segmentBytes -= length
        position += length
        if segments[0].isHeld { heldBytes -= length }
        if segments[0].bytes.readableBytes == 0 { segments.removeFirst() }
        return (bytes, false)
    }

    /// Takes memory back that `next` gave out, if it is worth keeping.
    package mutating func reuse(_ bytes: inout ByteBuffer) {
        guard bytes.capacity <= Self.keptCapacity, tail.capacity == 0 else { return }
        swap(&tail, &bytes)
        tail.clear()
    }
}

/// Whether a client still takes some of what waits for it; pure.
package struct WriteProgress {
    private var unsent = 0
    private var since: Moment?

    package init() {}

    /// Returns whether nothing was taken for longer than the limit.
    package mutating func isStalled(_ unsent: Int, at now: Moment, limit: Duration) -> Bool {
        guard let since, unsent == self.unsent else {
            self.unsent = unsent
            self.since = now
            return false
        }
        return since + limit < now
    }

    /// Everything was taken.
    package mutating func reset() { since = nil }
}
