package import NIOCore

/// Cuts the bytes of one connection into requests, strictly (RFC 9112).
///
///     bytes ─► head ─┬─ no body ───────────────────────► end ─► head …
///                    ├─ length n ─► body pieces ────────► end
///                    └─ chunked ─► size, piece, … 0, trailers ─► end
///
/// Pure: bytes go in by `feed`, events come out of `next` until it answers `nil`. Whatever two
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
        case chunkSize
        case chunk(remaining: Int)
        case chunkEnd
        case trailers(bytes: Int, count: Int)
        case failed(RequestFault)
    }

    private let limits: RequestLimits
    private var buffer = ByteBuffer()
    private var phase = Phase.head
    private var scanner: RequestHeadScanner
    private var bodyBytes = 0

    /// Longest line that announces a chunk, extensions included.
    private static let chunkLine = 256

    package init(limits: RequestLimits = RequestLimits()) {
        self.limits = limits
        scanner = RequestHeadScanner(limits: limits)
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
            case .length(let remaining):
                return body(remaining) { .length(remaining: remaining - $0) }
            case .chunkSize: guard try chunkSize() else { return nil }
            case .chunk(0): phase = .chunkEnd
            case .chunk(let remaining): return body(remaining) { .chunk(remaining: remaining - $0) }
            case .chunkEnd: guard try chunkEnd() else { return nil }
            case .trailers(let bytes, let count):
                switch try trailer(bytes, count) {
                case .whole: return end()
                case .another: continue
                case .incomplete: return nil
                }
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
            bodyBytes = 0
            switch head.framing {
            case .none: phase = .length(remaining: 0)
            case .length(let count): phase = .length(remaining: count)
            case .chunked: phase = .chunkSize
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

    private mutating func body(_ remaining: Int, then next: (Int) -> Phase) -> Event? {
        let length = min(remaining, buffer.readableBytes)
        guard length > 0, let piece = buffer.readSlice(length: length) else { return nil }
        phase = next(length)
        return .body(piece)
    }

    // MARK: - Chunks

    private mutating func chunkSize() throws(RequestFault) -> Bool {
        guard let line = try readLine(limit: Self.chunkLine, excess: .chunk) else { return false }
        let size = line.withUnsafeReadableBytes { Self.size($0) }
        guard let size else { throw .chunk }
        bodyBytes += size
        if bodyBytes > limits.body { throw .bodyTooLarge }
        phase = size == 0 ? .trailers(bytes: 0, count: 0) : .chunk(remaining: size)
        return true
    }

    /// The size that a chunk line gives; extensions are checked and ignored.
    private static func size(_ line: UnsafeRawBufferPointer) -> Int? {
        var size = 0
        var digits = 0
        while digits < line.count, let value = ByteClass.hexValue(line[digits]) {
            size = size << 4 | Int(value)
            digits += 1
            if digits > 8 { return nil }
        }
        guard digits > 0 else { return nil }
        let extensions = UnsafeRawBufferPointer(rebasing: line[digits...])
        return ChunkExtensionList(bytes: extensions).isValid ? size : nil
    }

    private mutating func chunkEnd() throws(RequestFault) -> Bool {
        guard let first = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) else {
            return false
        }
        guard first == 0x0D else { throw .chunk }
        guard let second = buffer.getInteger(at: buffer.readerIndex + 1, as: UInt8.self) else {
            return false
        }
        guard second == 0x0A else { throw .chunk }
        buffer.moveReaderIndex(forwardBy: 2)
        phase = .chunkSize
        return true
    }

    private enum Trailer { case whole, another, incomplete }

    private mutating func trailer(
        _ bytes: Int, _ count: Int
    ) throws(RequestFault) -> Trailer {
        guard let line = try readLine(limit: limits.fieldLine, excess: .fieldsTooLarge) else {
            return .incomplete
        }
        if line.readableBytes == 0 { return .whole }
        let total = bytes + line.readableBytes
        if total > limits.fieldList || count >= limits.fieldCount { throw .fieldsTooLarge }
        let isField = line.withUnsafeReadableBytes {
            RequestHeadScanner.split($0, 0..<$0.count) != nil
        }
        guard isField else { throw .fieldSyntax }
        phase = .trailers(bytes: total, count: count + 1)
        return .another
    }

    /// A line that ends in CR LF, without it.
    private mutating func readLine(
        limit: Int, excess: RequestFault
    ) throws(RequestFault) -> ByteBuffer? {
        let view = buffer.readableBytesView
        guard let lineFeed = view.prefix(limit + 2).firstIndex(of: 0x0A) else {
            if view.count > limit { throw excess }
            return nil
        }
        let length = lineFeed - view.startIndex
        guard length > 0, view[lineFeed - 1] == 0x0D else { throw .bareLineFeed }
        let line = buffer.readSlice(length: length - 1)
        buffer.moveReaderIndex(forwardBy: 2)
        return line
    }
}
