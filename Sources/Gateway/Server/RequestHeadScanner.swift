import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads the head of a request line by line, as the bytes come in.
///
///     GET /orders/1 HTTP/1.1 CR LF        request line: limit, then three words
///     Host: shop CR LF                    field lines: limits on one, on all, on their number
///     CR LF                               the head is whole
///
/// A line is judged as soon as its LF is there, so a bad head fails at its first bad line and
/// never waits for an end that might not come. Offsets count from the head's first byte; the
/// caller keeps all bytes of the head together and calls again with more of them.
struct RequestHeadScanner {
    enum Outcome {
        case incomplete
        case complete(RequestHead, length: Int)
        case fault(RequestFault)
    }

    private let limits: RequestLimits
    private var searched = 0
    private var lineStart = 0
    private var hasRequestLine = false
    private var skippedEmptyLine = false

    private var method = RequestMethod.get
    private var targetRange = 0..<0
    private var minorVersion: UInt8 = 1
    private var fields: [RequestHead.Field] = []
    private var fieldsStart = 0
    private var knownFields: UInt16 = 0

    private var host: Range<Int>?
    private var contentLength: Int?
    private var isChunked = false
    private var closes = false
    private var keepsOpen = false
    private var expectsContinue = false

    init(limits: RequestLimits) {
        self.limits = limits
    }

    /// Whether some of a request is there, a blank line before it aside.
    func hasBegun(_ readable: Int) -> Bool { hasRequestLine || readable > lineStart }

    mutating func scan(_ buffer: ByteBuffer) -> Outcome {
        do throws(RequestFault) {
            var outcome: Outcome?
            while outcome == nil {
                let line = buffer.withUnsafeReadableBytes { nextLine($0) }
                guard let line else { return try incomplete(buffer.readableBytes) }
                outcome = try take(line, of: buffer)
            }
            return outcome ?? .incomplete
        } catch {
            return .fault(error)
        }
    }

    /// The next whole line without its line feed, or `nil` if it is not whole yet.
    private mutating func nextLine(_ bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        guard let base = bytes.baseAddress, searched < bytes.count,
            let found = memchr(base + searched, 0x0A, bytes.count - searched)
        else {
            searched = bytes.count
            return nil
        }
        let lineFeed = UnsafeRawPointer(found) - base
        let line = lineStart..<lineFeed
        searched = lineFeed + 1
        lineStart = lineFeed + 1
        return line
    }

    private func incomplete(_ readable: Int) throws(RequestFault) -> Outcome {
        let pending = readable - lineStart
        if !hasRequestLine {
            if pending > limits.requestLine { throw .targetTooLong }
        } else if pending > limits.fieldLine || readable - fieldsStart > limits.fieldList {
            throw .fieldsTooLarge
        }
        return .incomplete
    }

    private mutating func take(
        _ line: Range<Int>, of buffer: ByteBuffer
    ) throws(RequestFault) -> Outcome? {
        let first = buffer.readerIndex
        guard !line.isEmpty,
            buffer.getInteger(at: first + line.upperBound - 1, as: UInt8.self) == 0x0D
        else { throw .bareLineFeed }
        let content = line.lowerBound..<(line.upperBound - 1)
        if hasRequestLine {
            if content.isEmpty {
                return .complete(try head(in: buffer), length: line.upperBound + 1)
            }
            try takeField(content, of: buffer)
        } else if content.isEmpty {
            // One empty line may precede a request (RFC 9112 section 2.2); it becomes part of it.
            if skippedEmptyLine { throw .requestLine }
            skippedEmptyLine = true
        } else {
            try takeRequestLine(content, of: buffer)
        }
        return nil
    }

    // MARK: - Request line

    private mutating func takeRequestLine(
        _ line: Range<Int>, of buffer: ByteBuffer
    ) throws(RequestFault) {
        if line.count > limits.requestLine { throw .targetTooLong }
        let words = buffer.withUnsafeReadableBytes { Self.words($0, line) }
        guard let (methodEnd, targetEnd, minor) = words else { throw .requestLine }
        guard let minor else { throw .version }
        let known = buffer.withUnsafeReadableBytes {
            RequestMethod(UnsafeRawBufferPointer(rebasing: $0[line.lowerBound..<methodEnd]))
        }
        guard let known else { throw .method }
        method = known
        minorVersion = minor
        targetRange = (methodEnd + 1)..<targetEnd
        hasRequestLine = true
        fieldsStart = lineStart
    }

    /// Where method and target end, and the minor version, `nil` for one we do not speak.
    private static func words(
        _ bytes: UnsafeRawBufferPointer, _ line: Range<Int>
    ) -> (methodEnd: Int, targetEnd: Int, minor: UInt8?)? {
        let versionStart = line.upperBound - 8
        guard versionStart - 2 > line.lowerBound, bytes[versionStart - 1] == 0x20 else {
            return nil
        }
        let version = UnsafeRawBufferPointer(rebasing: bytes[versionStart..<line.upperBound])
        guard UnsafeRawBufferPointer(rebasing: version[..<5]).spells("HTTP/"),
            version[5] &- 0x30 < 10, version[6] == UInt8(ascii: "."), version[7] &- 0x30 < 10
        else { return nil }
        var methodEnd = line.lowerBound
        while methodEnd < versionStart, ByteClass.of(bytes[methodEnd]).contains(.token) {
            methodEnd += 1
        }
        guard methodEnd > line.lowerBound, bytes[methodEnd] == 0x20,
            methodEnd + 1 < versionStart - 1
        else { return nil }
        let isOurs = version[5] == UInt8(ascii: "1") && version[7] <= UInt8(ascii: "1")
        return (methodEnd, versionStart - 1, isOurs ? version[7] &- 0x30 : nil)
    }

    // MARK: - Fields

    private mutating func takeField(
        _ line: Range<Int>, of buffer: ByteBuffer
    ) throws(RequestFault) {
        if line.count > limits.fieldLine || line.upperBound - fieldsStart > limits.fieldList
            || fields.count >= limits.fieldCount
        {
            throw .fieldsTooLarge
        }
        let split = buffer.withUnsafeReadableBytes { Self.split($0, line) }
        guard let (name, value, known) = split else {
            let first = buffer.getInteger(at: buffer.readerIndex + line.lowerBound, as: UInt8.self)
            throw first == 0x20 || first == 0x09 ? .foldedField : .fieldSyntax
        }
        fields.append(
            .init(
                known: known, name: UInt32(name.lowerBound)..<UInt32(name.upperBound),
                value: UInt32(value.lowerBound)..<UInt32(value.upperBound)))
        if known != .other {
            knownFields |= 1 << known.rawValue
            let fault = buffer.withUnsafeReadableBytes { bytes in
                note(known, UnsafeRawBufferPointer(rebasing: bytes[value]), at: value)
            }
            if let fault { throw fault }
        }
    }

    /// Name and trimmed value, or `nil` if the line is not a field.
    static func split(
        _ bytes: UnsafeRawBufferPointer, _ line: Range<Int>
    ) -> (name: Range<Int>, value: Range<Int>, known: RequestHead.KnownField)? {
        var nameEnd = line.lowerBound
        while nameEnd < line.upperBound, ByteClass.of(bytes[nameEnd]).contains(.token) {
            nameEnd += 1
        }
        guard nameEnd > line.lowerBound, nameEnd < line.upperBound,
            bytes[nameEnd] == UInt8(ascii: ":")
        else { return nil }
        var start = nameEnd + 1
        var end = line.upperBound
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while end > start, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        for index in start..<end where !ByteClass.of(bytes[index]).contains(.fieldValue) {
            return nil
        }
        let name = line.lowerBound..<nameEnd
        return (name, start..<end, known(UnsafeRawBufferPointer(rebasing: bytes[name])))
    }

    private static func known(_ name: UnsafeRawBufferPointer) -> RequestHead.KnownField {
        switch name.count {
        case 4 where name.spellsIgnoringCase("host"): .host
        case 6 where name.spellsIgnoringCase("expect"): .expect
        case 6 where name.spellsIgnoringCase("pragma"): .pragma
        case 6 where name.spellsIgnoringCase("cookie"): .cookie
        case 10 where name.spellsIgnoringCase("connection"): .connection
        case 11 where name.spellsIgnoringCase("traceparent"): .traceparent
        case 12 where name.spellsIgnoringCase("x-request-id"): .requestID
        case 13 where name.spellsIgnoringCase("cache-control"): .cacheControl
        case 13 where name.spellsIgnoringCase("authorization"): .authorization
        case 13 where name.spellsIgnoringCase("if-none-match"): .ifNoneMatch
        case 14 where name.spellsIgnoringCase("content-length"): .contentLength
        case 17 where name.spellsIgnoringCase("transfer-encoding"): .transferEncoding
        default: .other
        }
    }

    /// Draws from a field what decides framing and the connection's life.
    private mutating func note(
        _ known: RequestHead.KnownField, _ value: UnsafeRawBufferPointer, at range: Range<Int>
    ) -> RequestFault? {
        switch known {
        case .host:
            guard host == nil, !value.isEmpty, value.allSatisfy(Self.isAuthority) else {
                return .host
            }
            host = range
        case .contentLength:
            guard contentLength == nil, let length = Self.plainNumber(value) else {
                return .contentLength
            }
            contentLength = length
        case .transferEncoding:
            guard !isChunked, minorVersion == 1, value.spellsIgnoringCase("chunked") else {
                return .transferEncoding
            }
            isChunked = true
        case .connection:
            if Self.listContains(value, "close") { closes = true }
            if Self.listContains(value, "keep-alive") { keepsOpen = true }
        case .expect:
            guard value.spellsIgnoringCase("100-continue") else { return .expectation }
            expectsContinue = minorVersion == 1
        default: break
        }
        return nil
    }

    private static func isAuthority(_ byte: UInt8) -> Bool {
        ByteClass.of(byte).contains(.authority)
    }

    /// Digits only, few enough to fit.
    static func plainNumber(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard (1...18).contains(bytes.count) else { return nil }
        var number = 0
        for byte in bytes {
            guard byte &- 0x30 < 10 else { return nil }
            number = number * 10 + Int(byte &- 0x30)
        }
        return number
    }

    static func listContains(_ value: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        value.split(separator: UInt8(ascii: ",")).contains { item in
            var item = item
            while let byte = item.first, byte == 0x20 || byte == 0x09 { item.removeFirst() }
            while let byte = item.last, byte == 0x20 || byte == 0x09 { item.removeLast() }
            return UnsafeRawBufferPointer(rebasing: item).spellsIgnoringCase(word)
        }
    }

    // MARK: - The whole

    private func head(in buffer: ByteBuffer) throws(RequestFault) -> RequestHead {
        if minorVersion == 1 && host == nil { throw .host }
        if isChunked && contentLength != nil { throw .twoLengths }
        let framing: RequestHead.Framing =
            isChunked ? .chunked : (contentLength ?? 0) > 0 ? .length(contentLength ?? 0) : .none
        if framing != .none && method.isSafe { throw .unexpectedBody }
        if case .length(let length) = framing, length > limits.body { throw .bodyTooLarge }
        let bytes = buffer.getSlice(at: buffer.readerIndex, length: lineStart) ?? ByteBuffer()
        return RequestHead(
            method: method, target: try target(in: bytes), minorVersion: minorVersion,
            framing: framing, keepsAlive: minorVersion == 1 ? !closes : keepsOpen && !closes,
            expectsContinue: expectsContinue, bytes: bytes, fields: fields,
            knownFields: knownFields)
    }

    private func target(in bytes: ByteBuffer) throws(RequestFault) -> RequestTarget {
        let result = bytes.withUnsafeReadableBytes { all -> Result<RequestTarget, RequestFault> in
            do throws(RequestFault) {
                return .success(try target(all, of: bytes))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func target(
        _ all: UnsafeRawBufferPointer, of bytes: ByteBuffer
    ) throws(RequestFault) -> RequestTarget {
        let raw = UnsafeRawBufferPointer(rebasing: all[targetRange])
        if raw.first == UInt8(ascii: "/") {
            return try RequestTarget.parse(raw, at: targetRange.lowerBound, of: bytes)
        }
        if raw.spells("*") {
            guard method == .options else { throw .target }
            return RequestTarget(path: ByteBuffer(string: "*"))
        }
        // Absolute form: the authority has to be the one that Host names (RFC 9112 section 3.2.2).
        let scheme = 7
        guard raw.count > scheme,
            UnsafeRawBufferPointer(rebasing: raw[..<scheme]).spellsIgnoringCase("http://")
        else { throw .target }
        let rest = UnsafeRawBufferPointer(rebasing: raw[scheme...])
        let authorityEnd =
            rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.count
        let authority = rest[..<authorityEnd]
        guard let host, authority.count == host.count,
            zip(authority, all[host]).allSatisfy({
                ByteClass.lowercased($0) == ByteClass.lowercased($1)
            })
        else { throw .hostMismatch }
        guard authorityEnd < rest.count else {
            return RequestTarget(path: ByteBuffer(string: "/"))
        }
        guard rest[authorityEnd] == UInt8(ascii: "/") else { throw .target }
        return try RequestTarget.parse(
            UnsafeRawBufferPointer(rebasing: rest[authorityEnd...]),
            at: targetRange.lowerBound + scheme + authorityEnd, of: bytes)
    }
}
