import NIOCore
import NIOHTTP1

/// The head of an upstream's answer, checked.
struct AnswerHead {
    /// How the end of the body is found.
    enum Framing: Equatable {
        case none
        case length(Int)
        case chunked
        case untilClose
    }

    var status: Int
    /// The values with each scalar standing for one byte.
    var fields: HTTPHeaders
    var framing: Framing
    /// Whether the connection may be used again.
    var keepsAlive: Bool
}

/// Reads the head of an answer line by line, as the bytes come in (RFC 9112 section 4).
///
///     HTTP/1.1 200 OK CR LF        judged from its first byte on
///     Content-Length: 2 CR LF      limits on all fields and on their number
///     CR LF                        the head is whole
///
/// As strict as the reading of requests: whatever two readers could take differently is refused,
/// and what is wrong fails with the byte or the line that shows it, not when the time is over.
struct AnswerHeadScanner {
    private let limit: Int
    private var searched = 0
    private var lineStart = 0
    private var status: Int?
    private var skippedEmptyLine = false
    private var minorVersion: UInt8 = 1
    private var fields = HTTPHeaders()
    private var contentLength: Int?
    private var isChunked = false
    private var closes = false
    private var keepsOpen = false

    private static let fieldCount = 128
    /// `HTTP/1.1 200`.
    private static let statusEnd = 12

    /// - Parameter limit: bytes of the head.
    init(limit: Int) {
        self.limit = limit
    }

    /// The head and its length once it is whole.
    ///
    /// The caller keeps all bytes of the head together and calls again with more of them.
    mutating func scan(
        _ buffer: ByteBuffer
    ) throws(UpstreamFailure) -> (head: AnswerHead, length: Int)? {
        var failure: UpstreamFailure?
        let head = buffer.withUnsafeReadableBytes { bytes -> AnswerHead? in
            do throws(UpstreamFailure) {
                return try scan(bytes)
            } catch {
                failure = error
                return nil
            }
        }
        if let failure { throw failure }
        return head.map { ($0, lineStart) }
    }

    private mutating func scan(
        _ bytes: UnsafeRawBufferPointer
    ) throws(UpstreamFailure) -> AnswerHead? {
        while let lineFeed = bytes[searched...].firstIndex(of: 0x0A) {
            let start = lineStart
            searched = lineFeed + 1
            lineStart = lineFeed + 1
            guard lineFeed > start, bytes[lineFeed - 1] == 0x0D else {
                throw .broken("a line that ends in LF without CR")
            }
            guard lineStart <= limit else { throw .broken("a head that is too large") }
            let line = start..<(lineFeed - 1)
            if status == nil {
                try takeStatusLine(bytes, line)
            } else if line.isEmpty {
                return try head()
            } else {
                try takeField(bytes, line)
            }
        }
        searched = bytes.count
        guard bytes.count <= limit else { throw .broken("a head that is too large") }
        if status == nil { try judgeBeginning(bytes[lineStart...]) }
        return nil
    }

    // MARK: - Status line

    private mutating func takeStatusLine(
        _ bytes: UnsafeRawBufferPointer, _ line: Range<Int>
    ) throws(UpstreamFailure) {
        if line.isEmpty, !skippedEmptyLine {
            // Left over from an answer before, by servers of old.
            skippedEmptyLine = true
            return
        }
        try judgeBeginning(bytes[line])
        guard line.count >= Self.statusEnd else { throw .broken("no status line of HTTP") }
        let text = UnsafeRawBufferPointer(rebasing: bytes[line])
        let reason = text[Self.statusEnd...]
        guard reason.allSatisfy({ ByteClass.of($0).contains(.fieldValue) }) else {
            throw .broken("no status line of HTTP")
        }
        let code = text[9..<12].reduce(0) { $0 * 10 + Int($1 &- 0x30) }
        guard (100..<600).contains(code) else { throw .broken("no status of HTTP") }
        if code == 101 { throw .broken("an upgrade that nobody asked for") }
        minorVersion = text[7] &- 0x30
        status = code
    }

    /// Refuses what no status line begins with.
    private func judgeBeginning(_ bytes: Slice<UnsafeRawBufferPointer>) throws(UpstreamFailure) {
        if bytes.count == 1, bytes.first == 0x0D, !skippedEmptyLine { return }
        let pattern: StaticString = "HTTP/1.d ddd"
        for (offset, byte) in bytes.prefix(pattern.utf8CodeUnitCount).enumerated() {
            let wanted = pattern.utf8Start[offset]
            let fits = wanted == UInt8(ascii: "d") ? byte &- 0x30 < 10 : byte == wanted
            guard fits else { throw .broken("no status line of HTTP") }
        }
        let next = bytes.dropFirst(Self.statusEnd).first
        guard next == nil || next == 0x20 || next == 0x0D else {
            throw .broken("no status line of HTTP")
        }
    }

    // MARK: - Fields

    private mutating func takeField(
        _ bytes: UnsafeRawBufferPointer, _ line: Range<Int>
    ) throws(UpstreamFailure) {
        guard fields.count < Self.fieldCount else { throw .broken("too many fields") }
        guard let (name, value, known) = RequestHeadScanner.split(bytes, line) else {
            let isFolded = bytes[line.lowerBound] == 0x20 || bytes[line.lowerBound] == 0x09
            throw .broken(isFolded ? "a field over two lines" : "a malformed field")
        }
        fields.add(
            name: String(decoding: bytes[name], as: UTF8.self),
            value: FieldText.text(of: bytes[value]))
        try note(known, UnsafeRawBufferPointer(rebasing: bytes[value]))
    }

    /// Draws from a field what decides framing and the connection's life.
    private mutating func note(
        _ known: RequestHead.KnownField, _ value: UnsafeRawBufferPointer
    ) throws(UpstreamFailure) {
        switch known {
        case .contentLength:
            guard contentLength == nil else { throw .broken("two lengths") }
            guard let length = RequestHeadScanner.plainNumber(value) else {
                throw .broken("a length that is not a number")
            }
            contentLength = length
        case .transferEncoding:
            guard !isChunked, minorVersion > 0, value.spellsIgnoringCase("chunked") else {
                throw .broken("an unknown transfer coding")
            }
            isChunked = true
        case .connection:
            if RequestHeadScanner.listContains(value, "close") { closes = true }
            if RequestHeadScanner.listContains(value, "keep-alive") { keepsOpen = true }
        default: break
        }
    }

    private func head() throws(UpstreamFailure) -> AnswerHead {
        let status = status ?? 0
        if isChunked, contentLength != nil { throw .broken("two lengths") }
        let framing: AnswerHead.Framing =
            switch (status, contentLength) {
            case (..<200, _), (204, _), (304, _): .none
            case (_, let length?): .length(length)
            case (_, nil): isChunked ? .chunked : .untilClose
            }
        return AnswerHead(
            status: status, fields: fields, framing: framing,
            keepsAlive: framing != .untilClose && !closes && (minorVersion > 0 || keepsOpen))
    }
}
