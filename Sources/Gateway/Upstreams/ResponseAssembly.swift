import NIOCore

/// Puts the bytes of one answer together and judges whether they are sound; pure.
///
///     100, 103 … (few) ─► head ─┬─ no body ──────────────────────► whole
///                               ├─ length n ─► body pieces ──────► whole
///                               ├─ chunked ──► pieces, trailers ─► whole
///                               └─ neither ──► body pieces ──────► whole when the server closes
///
/// Anything else is broken: 502, and the connection is not used again. What is broken is found with
/// the bytes that show it; nothing waits for the end of what cannot become an answer.
struct ResponseAssembly {
    struct Whole {
        var response: UpstreamResponse
        /// Whether the connection may carry another call.
        var isReusable: Bool
    }

    private enum Phase {
        case head
        case length(remaining: Int)
        case chunked
        case untilClose
    }

    private let target: UpstreamTarget
    private let limits: Limits
    private var phase = Phase.head
    private var buffer = ByteBuffer()
    private var scanner: AnswerHeadScanner
    private var chunks: ChunkedBody
    private var head: AnswerHead?
    private var body = ByteBuffer()
    private var interim = 0

    /// Interim answers a server may send before the answer.
    private static let interimLimit = 64

    /// Bytes that are taken of an answer.
    struct Limits {
        var head: Int
        var body: Int

        var ofChunks: RequestLimits {
            var limits = RequestLimits()
            limits.fieldLine = head
            limits.fieldList = head
            limits.body = body
            return limits
        }
    }

    init(target: UpstreamTarget, limits: Limits) {
        self.target = target
        self.limits = limits
        scanner = AnswerHeadScanner(limit: limits.head)
        chunks = ChunkedBody(limits: limits.ofChunks)
    }

    /// Takes what came, and returns the answer once it is whole.
    mutating func take(_ bytes: ByteBuffer) throws(UpstreamFailure) -> Whole? {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
        while true {
            switch phase {
            case .head:
                guard let (head, length) = try scanner.scan(buffer) else { return nil }
                buffer.moveReaderIndex(forwardBy: length)
                if let whole = try take(head) { return whole }
            case .length(let remaining):
                let length = min(remaining, buffer.readableBytes)
                if let piece = buffer.readSlice(length: length) { try append(piece) }
                phase = .length(remaining: remaining - length)
                return length == remaining ? whole() : nil
            case .chunked:
                if let piece = try chunkedPiece() { try append(piece) }
                return chunks.isWhole ? whole() : nil
            case .untilClose:
                let piece = buffer
                buffer = ByteBuffer()
                try append(piece)
                return nil
            }
        }
    }

    /// The server sends nothing more: returns the answer if that is its end.
    mutating func inputEnded() throws(UpstreamFailure) -> Whole {
        if case .untilClose = phase, let whole = whole() { return whole }
        throw .init(.closedEarly, "the connection was closed")
    }

    /// Returns the answer if nothing follows its head.
    private mutating func take(_ head: AnswerHead) throws(UpstreamFailure) -> Whole? {
        if head.status < 200 {
            interim += 1
            if interim > Self.interimLimit { throw .broken("too many interim answers") }
            scanner = AnswerHeadScanner(limit: limits.head)
            return nil
        }
        self.head = head
        switch head.framing {
        case .none: return whole()
        case .length(let length):
            if length > limits.body { throw .init(.tooLarge, "a length over the limit") }
            phase = .length(remaining: length)
        case .chunked: phase = .chunked
        case .untilClose: phase = .untilClose
        }
        return nil
    }

    private mutating func append(_ piece: ByteBuffer) throws(UpstreamFailure) {
        guard body.readableBytes + piece.readableBytes <= limits.body else {
            throw .init(.tooLarge, "a body over the limit")
        }
        if body.readableBytes == 0 { body = piece } else { body.writeImmutableBuffer(piece) }
    }

    private mutating func chunkedPiece() throws(UpstreamFailure) -> ByteBuffer? {
        do throws(ChunkedBody.Fault) {
            return try chunks.take(from: &buffer)
        } catch {
            switch error {
            case .size: throw .broken("a chunk's size that is none")
            case .dataEnd: throw .broken("a chunk that is longer than its size")
            case .lineFeed: throw .broken("a line that ends in LF without CR")
            case .tooLarge: throw .init(.tooLarge, "chunks over the limit")
            case .trailer: throw .broken("a malformed trailer")
            case .trailersTooLarge: throw .broken("trailers that are too large")
            }
        }
    }

    private func whole() -> Whole? {
        guard let head else { return nil }
        let response = UpstreamResponse(
            status: head.status, fields: head.fields, body: body, target: target)
        return Whole(response: response, isReusable: head.keepsAlive && buffer.readableBytes == 0)
    }
}
