import NIOCore

/// Takes the chunked coding off a body, strictly (RFC 9112 section 7.1).
///
///     size ─► data ─► CR LF ─► size … 0 ─► trailers ─► whole
///
/// Pure. All data that lies in the bytes comes out as one piece: a body in chunks of one byte
/// goes through the gateway as fast as any other. Trailers are checked and dropped.
///
/// A size is judged by its first digits, so one that cannot be true fails before its line ends.
struct ChunkedBody {
    /// Why the bytes are not a chunked body that is taken.
    enum Fault: Error {
        case size
        case dataEnd
        case lineFeed
        case tooLarge
        case trailer
        case trailersTooLarge
    }

    private enum Phase {
        case size
        case content(remaining: Int)
        case dataEnd
        case trailers(bytes: Int, count: Int)
        case whole
    }

    private let limits: RequestLimits
    private var phase = Phase.size
    /// Bytes of data announced so far.
    private var announced = 0

    /// Longest line that announces a chunk, extensions included.
    private static let sizeLine = 256
    /// More digits are not a size that anybody means; fewer always fit.
    private static let sizeDigits = 8

    /// - Parameter limits: those on the body, and on fields for the trailers.
    init(limits: RequestLimits) {
        self.limits = limits
    }

    /// Whether the end has come; bytes behind it are not touched.
    var isWhole: Bool {
        if case .whole = phase { true } else { false }
    }

    /// Takes what can be told of the bytes, and returns the data in them.
    mutating func take(from buffer: inout ByteBuffer) throws(Fault) -> ByteBuffer? {
        var pieces = Pieces()
        var position = 0
        var fault: Fault?
        buffer.withUnsafeReadableBytes { bytes in
            do throws(Fault) {
                while try step(bytes, &position, &pieces) {}
            } catch {
                fault = error
            }
        }
        if let fault { throw fault }
        let piece = pieces.whole(of: buffer)
        buffer.moveReaderIndex(forwardBy: position)
        return piece
    }

    /// What one reading finds: a part of the bytes as it lies, or several, joined.
    private struct Pieces {
        private var only: Range<Int>?
        private var joined = ByteBuffer()

        mutating func add(_ range: Range<Int>, of bytes: UnsafeRawBufferPointer) {
            if joined.readableBytes == 0 {
                guard let first = only else {
                    only = range
                    return
                }
                joined.reserveCapacity(bytes.count - first.lowerBound)
                joined.writeBytes(bytes[first])
            }
            joined.writeBytes(bytes[range])
        }

        func whole(of buffer: ByteBuffer) -> ByteBuffer? {
            if joined.readableBytes > 0 { return joined }
            return only.flatMap {
                buffer.getSlice(at: buffer.readerIndex + $0.lowerBound, length: $0.count)
            }
        }
    }

    /// Returns whether there was enough to go on.
    private mutating func step(
        _ bytes: UnsafeRawBufferPointer, _ position: inout Int, _ pieces: inout Pieces
    ) throws(Fault) -> Bool {
        switch phase {
        case .size:
            guard let (size, end) = try Self.size(bytes, position) else { return false }
            announced += size
            if announced > limits.body { throw .tooLarge }
            position = end
            phase = size == 0 ? .trailers(bytes: 0, count: 0) : .content(remaining: size)
        case .content(let remaining):
            let length = min(remaining, bytes.count - position)
            guard length > 0 else { return false }
            pieces.add(position..<(position + length), of: bytes)
            position += length
            phase = length == remaining ? .dataEnd : .content(remaining: remaining - length)
        case .dataEnd:
            guard position < bytes.count else { return false }
            guard bytes[position] == 0x0D else { throw .dataEnd }
            guard position + 1 < bytes.count else { return false }
            guard bytes[position + 1] == 0x0A else { throw .dataEnd }
            position += 2
            phase = .size
        case .trailers(let total, let count):
            guard let end = try trailer(bytes, position, total, count) else { return false }
            position = end
        case .whole: return false
        }
        return true
    }

    /// The size of a line and where the line ends, or `nil` while it is not whole.
    private static func size(
        _ bytes: UnsafeRawBufferPointer, _ start: Int
    ) throws(Fault) -> (size: Int, end: Int)? {
        var size = 0
        var index = start
        while index < bytes.count, let digit = ByteClass.hexValue(bytes[index]) {
            size = size << 4 | Int(digit)
            index += 1
            if index - start > sizeDigits { throw .size }
        }
        guard index < bytes.count else { return nil }
        guard index > start else { throw .size }
        if index + 1 < bytes.count, bytes[index] == 0x0D, bytes[index + 1] == 0x0A {
            return (size, index + 2)
        }
        guard let (line, end) = try line(bytes, start, limit: sizeLine, excess: .size) else {
            return nil
        }
        let extensions = UnsafeRawBufferPointer(rebasing: bytes[index..<line.upperBound])
        guard ChunkExtensionList(bytes: extensions).isValid else { throw .size }
        return (size, end)
    }

    /// Takes a field of the trailers or the empty line behind them; returns where it ends.
    private mutating func trailer(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ total: Int, _ count: Int
    ) throws(Fault) -> Int? {
        let found = try Self.line(
            bytes, start, limit: limits.fieldLine, excess: .trailersTooLarge)
        guard let (line, end) = found else { return nil }
        if line.isEmpty {
            phase = .whole
            return end
        }
        if total + line.count > limits.fieldList || count >= limits.fieldCount {
            throw .trailersTooLarge
        }
        guard RequestHeadScanner.split(bytes, line) != nil else { throw .trailer }
        phase = .trailers(bytes: total + line.count, count: count + 1)
        return end
    }

    /// A line without its CR LF, and where it ends with them.
    private static func line(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, limit: Int, excess: Fault
    ) throws(Fault) -> (line: Range<Int>, end: Int)? {
        let window = bytes[start..<min(bytes.count, start + limit + 2)]
        guard let lineFeed = window.firstIndex(of: 0x0A) else {
            if bytes.count - start > limit { throw excess }
            return nil
        }
        guard lineFeed > start, bytes[lineFeed - 1] == 0x0D else { throw .lineFeed }
        return (start..<(lineFeed - 1), lineFeed + 1)
    }
}
