import CReplyTape
import NIOCore

/// Turns bytes from a server into values.
///
/// Not thread-safe: it lives on one event loop.
final class ReplyReader {
    struct Limits: Sendable {
        /// Equal to the server's own `proto-max-bulk-len`.
        var replyBytes = 512 * 1024 * 1024
        /// A node takes 24 bytes, so that this is about 200 MB.
        var replyElements = 8 * 1024 * 1024
        /// An error of a script can quote much text; a status line is short.
        var lineBytes = 1024 * 1024
    }

    /// Replies smaller than this share the memory of the slice they came in.
    ///
    /// A larger one gets memory of its own, so that whoever keeps it keeps nothing else.
    private static let sharedReplyBytes = 1024
    private static let sharedChunkBytes = 16 * 1024

    private let tape: OpaquePointer
    private let allocator = ByteBufferAllocator()

    init(limits: Limits = Limits()) throws(RedisError) {
        let tape = reply_tape_create(
            reply_tape_limits(
                reply_bytes: UInt64(limits.replyBytes),
                reply_elements: UInt64(limits.replyElements),
                line_bytes: UInt64(limits.lineBytes)))
        guard let tape else { throw RedisError(.overloaded, "memory is short") }
        self.tape = tape
    }

    deinit {
        reply_tape_free(tape)
    }

    /// Memory held for replies under way.
    var footprint: Int { reply_tape_footprint(tape) }

    /// Reads all of `bytes` and hands out each complete reply in order.
    ///
    /// After an error nothing more can be read; replies before the malformed one were
    /// handed out.
    func read(_ bytes: inout ByteBuffer, _ deliver: (RedisValue) -> Void) throws(RedisError) {
        while bytes.readableBytes > 0 {
            let length = min(bytes.readableBytes, Int(REPLY_TAPE_SLICE))
            let status = bytes.readWithUnsafeReadableBytes { pointer in
                (length, reply_tape_feed(tape, pointer.baseAddress, length))
            }
            deliverComplete(deliver)
            if status != 0 { throw violation() }
        }
    }

    private func violation() -> RedisError {
        let reason = reply_tape_error(tape).map { String(cString: $0) } ?? "not RESP2"
        return RedisError(
            .protocolViolation, "the server broke the protocol: \(reason)", outcome: .unknown,
            cause: reply_tape_is_too_large(tape) == 1 ? ReplyTooLarge() : nil)
    }

    private func deliverComplete(_ deliver: (RedisValue) -> Void) {
        let nodes = UnsafeBufferPointer(
            start: reply_tape_nodes(tape), count: reply_tape_node_count(tape))
        guard nodes.count > 0 else { return }
        let bytes = UnsafeRawBufferPointer(
            start: reply_tape_bytes(tape), count: reply_tape_byte_count(tape))
        var chunk = ByteBuffer()
        var chunkStart = 0
        var chunkEnd = 0
        var root = 0
        while root < nodes.count {
            let end = Int(nodes[root].end)
            let (first, last) = Self.span(nodes, root, end, bytes.count)
            if last > chunkEnd || first < chunkStart {
                chunkStart = first
                chunkEnd = Self.chunkEnd(nodes, root, first, last, bytes.count)
                chunk = allocator.buffer(capacity: chunkEnd - chunkStart)
                chunk.writeBytes(
                    UnsafeRawBufferPointer(rebasing: bytes[chunkStart..<chunkEnd]))
            }
            deliver(Self.value(nodes, root..<end, chunk, chunkStart))
            root = end
        }
        reply_tape_consume(tape)
    }

    /// The bytes that belong to a reply.
    private static func span(
        _ nodes: UnsafeBufferPointer<reply_tape_node>, _ root: Int, _ end: Int, _ all: Int
    ) -> (Int, Int) {
        (Int(nodes[root].offset), end < nodes.count ? Int(nodes[end].offset) : all)
    }

    /// How far to copy at once: a large reply alone, or as many small ones as fit a chunk.
    private static func chunkEnd(
        _ nodes: UnsafeBufferPointer<reply_tape_node>, _ root: Int, _ first: Int, _ last: Int,
        _ all: Int
    ) -> Int {
        guard last - first < sharedReplyBytes else { return last }
        var reached = last
        var next = Int(nodes[root].end)
        while next < nodes.count {
            let end = Int(nodes[next].end)
            let (start, stop) = span(nodes, next, end, all)
            guard stop - start < sharedReplyBytes, stop - first <= sharedChunkBytes else { break }
            reached = stop
            next = end
        }
        return reached
    }

    private static func value(
        _ nodes: UnsafeBufferPointer<reply_tape_node>, _ span: Range<Int>, _ bytes: ByteBuffer,
        _ base: Int
    ) -> RedisValue {
        let node = nodes[span.lowerBound]
        guard node.kind == UInt32(REPLY_TAPE_ARRAY) else {
            return RedisValue(leaf: node, bytes: bytes, base: base)
        }
        let tape = ReplyTape(
            nodes: Array(nodes[span]), firstIndex: span.lowerBound, bytes: bytes,
            firstByte: base)
        return RedisValue(.array(tape, 0))
    }
}

/// Why a sound reply was not read.
struct ReplyTooLarge: Error {}

/// The nodes and bytes of one reply that is an array.
///
/// Shared by all views into it.
final class ReplyTape: Sendable {
    private let nodes: [reply_tape_node]
    /// Indexes and offsets in the nodes count from the reader's tape.
    private let firstIndex: Int
    private let bytes: ByteBuffer
    private let firstByte: Int

    init(nodes: [reply_tape_node], firstIndex: Int, bytes: ByteBuffer, firstByte: Int) {
        self.nodes = nodes
        self.firstIndex = firstIndex
        self.bytes = bytes
        self.firstByte = firstByte
    }

    /// Number of direct children of the array at `index`.
    func childCount(_ index: Int) -> Int { Int(nodes[index].value) }

    /// Index of the first node behind the subtree at `index`.
    func end(_ index: Int) -> Int { Int(nodes[index].end) - firstIndex }

    /// Index of the node of a child of the array at `index`.
    func child(_ number: Int, of index: Int) -> Int {
        let first = index + 1
        if end(index) - first == childCount(index) { return first + number }
        return (0..<number).reduce(first) { child, _ in end(child) }
    }

    func value(_ index: Int) -> RedisValue {
        let node = nodes[index]
        return node.kind == UInt32(REPLY_TAPE_ARRAY)
            ? RedisValue(.array(self, index))
            : RedisValue(leaf: node, bytes: bytes, base: firstByte)
    }
}

extension RedisValue {
    init(leaf node: reply_tape_node, bytes: ByteBuffer, base: Int) {
        let start = Int(node.offset) - base
        let length = Int(node.value)
        switch node.kind {
        case UInt32(REPLY_TAPE_INTEGER):
            self.init(.integer(length))
        case UInt32(REPLY_TAPE_STRING):
            self.init(.string(bytes.getSlice(at: start, length: length) ?? ByteBuffer()))
        case UInt32(REPLY_TAPE_STATUS):
            self.init(.status(bytes.getSlice(at: start, length: length) ?? ByteBuffer()))
        case UInt32(REPLY_TAPE_ERROR):
            self.init(.failure(bytes.getSlice(at: start, length: length) ?? ByteBuffer()))
        default:
            self.init(.null)
        }
    }
}
