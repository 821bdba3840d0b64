package import NIOCore

/// Cuts the bytes of one connection into requests, strictly (RFC 9112).
///
///     bytes ─► head ─┬─ no body ───────────────────────► end ─► head …
///                    ├─ length n ─► body pieces ────────► end
///                    └─ chunked ─► body pieces ─► trailers ─► end
///
/// Pure: bytes go in by `feed`, events come out of `next` until it returns `nil`. Whatever two
/// implementations could read differently is a fault, and after a fault nothing more comes out.
/// Obsolete line folding, bare line feeds, repeated or decorated lengths and every transfer coding
/// but `chunked` are such cases; trailers are checked and dropped.
package struct RequestParser {
    /// What the bytes turned out to mean.
    package enum Event: Sendable {
        /// A request begins.
        case head(RequestHead)
        /// A piece of its body, not empty.
        case body(ByteBuffer)
        /// It is whole.
        case end
    }

    private enum Phase {
        case head
        case length(remaining: Int)
        case chunked
        case failed(RequestFault)
    }

    private let limits: RequestLimits
    private var buffer = ByteBuffer()
    private var phase = Phase.head
    private var scanner: RequestHeadScanner
    private var chunks: ChunkedBody

    package init(limits: RequestLimits = RequestLimits()) {
        self.limits = limits
        scanner = RequestHeadScanner(limits: limits)
        chunks = ChunkedBody(limits: limits)
    }

    /// Bytes that came and have not been given out.
    package var bufferedBytes: Int { buffer.readableBytes }

    /// Memory behind them.
    package var heldBytes: Int { buffer.storageCapacity }

    /// Whether a request has been given out in part, or bytes of the next one wait.
    package var isInsideRequest: Bool {
        if case .head = phase {
            scanner.hasBegun(buffer.readableBytes)
        } else {
            true
        }
    }

    /// What can be told of a head that is refused.
    var refusedHead: RefusedHead { RefusedHead(buffer) }

    /// Takes bytes behind those that wait.
    ///
    /// They never go behind bytes that have been given out: a client that always ends in the
    /// middle of a request would make one buffer grow with all that it ever sent.
    package mutating func feed(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else if buffer.readerIndex == 0 {
            buffer.writeImmutableBuffer(bytes)
        } else {
            var joined = ByteBuffer()
            joined.reserveCapacity(buffer.readableBytes + bytes.readableBytes)
            joined.writeImmutableBuffer(buffer)
            joined.writeImmutableBuffer(bytes)
            buffer = joined
        }
    }

    /// What comes next, or `nil` until more bytes are fed.
    package mutating func next() throws(RequestFault) -> Event? {
        do throws(RequestFault) {
            return try advance()
        } catch {
            phase = .failed(error)
            throw error
        }
    }

    private mutating func advance() throws(RequestFault) -> Event? {
        while true {
            switch phase {
            case .head: return try head()
            case .length(0): return end()
            case .length(let remaining): return body(remaining)
            case .chunked:
                if chunks.isWhole { return end() }
                if let piece = try chunkedPiece() { return .body(piece) }
                guard chunks.isWhole else { return nil }
            case .failed(let fault): throw fault
            }
        }
    }

    private mutating func head() throws(RequestFault) -> Event? {
        guard buffer.readableBytes > 0 else { return nil }
        switch scanner.scan(buffer) {
        case .incomplete: return nil
        case .fault(let fault): throw fault
        case .complete(let head, let length):
            buffer.moveReaderIndex(forwardBy: length)
            switch head.framing {
            case .none: phase = .length(remaining: 0)
            case .length(let count): phase = .length(remaining: count)
            case .chunked:
                chunks = ChunkedBody(limits: limits)
                phase = .chunked
            }
            return .head(head)
        }
    }

    private mutating func end() -> Event {
        phase = .head
        scanner = RequestHeadScanner(limits: limits)
        if buffer.readableBytes == 0 { buffer = ByteBuffer() }
        return .end
    }

    private mutating func body(_ remaining: Int) -> Event? {
        let length = min(remaining, buffer.readableBytes)
        guard length > 0, let piece = buffer.readSlice(length: length) else { return nil }
        phase = .length(remaining: remaining - length)
        return .body(piece)
    }

    private mutating func chunkedPiece() throws(RequestFault) -> ByteBuffer? {
        do throws(ChunkedBody.Fault) {
            return try chunks.take(from: &buffer)
        } catch {
            switch error {
            case .size, .dataEnd: throw .chunk
            case .lineFeed: throw .bareLineFeed
            case .tooLarge: throw .bodyTooLarge
            case .trailer: throw .fieldSyntax
            case .trailersTooLarge: throw .fieldsTooLarge
            }
        }
    }
}
