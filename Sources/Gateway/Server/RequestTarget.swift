package import NIOCore

/// Where a request goes: path and query in the one form that is routed, keyed and forwarded.
///
///     /a/./b//c/%7euser/?x=%2f&y={1}   as it came
///     /a/b/c/~user/?x=%2F&y=%7B1%7D    normal form
///
/// Escapes of unreserved bytes are resolved, others written in upper case; empty and dot segments
/// are removed, a slash at the end is kept. What browsers and curl send unescaped although
/// RFC 3986 wants it escaped is escaped: `[ ] |` and text beyond ASCII in the path, `{ } | ^`, the
/// backtick, the backslash, a `%` that begins no escape and all bytes beyond ASCII in the query.
/// What two servers could read differently is refused: other raw bytes outside RFC 3986, a
/// backslash, `%2F`, `%5C`, an escaped control byte or broken UTF-8 in the path, `..` over the
/// root or with a parameter (`..;`), which some servers drop.
package struct RequestTarget: Sendable, Equatable {
    /// Begins with `/`, or is `*` for a question about the whole server.
    package let path: ByteBuffer
    /// Without its `?`; `nil` if there was none.
    package let query: ByteBuffer?

    package init(path: ByteBuffer, query: ByteBuffer? = nil) {
        self.path = path
        self.query = query
    }

    /// Path and query as one text, as they are forwarded.
    package var text: String {
        guard let query else { return String(buffer: path) }
        return String(buffer: path) + "?" + String(buffer: query)
    }
}

extension RequestTarget {
    /// Reads a path, and perhaps a query, that did not come from a client.
    init(parsing text: String) throws(RequestFault) {
        let buffer = ByteBuffer(string: text)
        let result = buffer.withUnsafeReadableBytes { bytes in
            Result { () throws(RequestFault) in try Self.parse(bytes, at: 0, of: buffer) }
        }
        self = try result.get()
    }

    /// Reads an origin-form target, which stands at `range` of `head`.
    static func parse(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, of head: ByteBuffer
    ) throws(RequestFault) -> RequestTarget {
        let pathEnd = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.count
        var query: ByteBuffer?
        if pathEnd < bytes.count {
            let raw = UnsafeRawBufferPointer(rebasing: bytes[(pathEnd + 1)...])
            query = try normalQuery(raw, at: offset + pathEnd + 1, of: head)
        }
        let raw = UnsafeRawBufferPointer(rebasing: bytes[..<pathEnd])
        let path: ByteBuffer
        if isNormalPath(raw) {
            path = slice(head, at: offset, length: pathEnd)
        } else {
            path = ByteBuffer(bytes: try normalPath(raw))
        }
        return RequestTarget(path: path, query: query)
    }

    private static func slice(_ head: ByteBuffer, at offset: Int, length: Int) -> ByteBuffer {
        head.getSlice(at: head.readerIndex + offset, length: length) ?? ByteBuffer()
    }

    /// Whether the path needs no rewriting, which is so for nearly all.
    private static func isNormalPath(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.first == UInt8(ascii: "/") else { return false }
        var previous: UInt8 = 0
        for byte in bytes {
            guard ByteClass.of(byte).contains(.path) else { return false }
            if previous == UInt8(ascii: "/") {
                if byte == UInt8(ascii: "/") || byte == UInt8(ascii: ".") { return false }
            }
            previous = byte
        }
        return true
    }

    private static func normalPath(_ bytes: UnsafeRawBufferPointer) throws(RequestFault) -> [UInt8]
    {
        guard bytes.first == UInt8(ascii: "/") else { throw .target }
        let decoded = try resolvedEscapes(bytes, in: .path)
        try checkEscapes(decoded)
        var segments: [ArraySlice<UInt8>] = []
        var endsInSlash = false
        let slash = UInt8(ascii: "/")
        for segment in decoded.dropFirst().split(separator: slash, omittingEmptySubsequences: false)
        {
            endsInSlash = true
            switch kind(of: segment) {
            case .nothing: continue
            case .parent where segments.isEmpty: throw .pathEscape
            case .parent: segments.removeLast()
            case .disguised: throw .pathEscape
            case .name:
                endsInSlash = false
                segments.append(segment)
            }
        }
        var path: [UInt8] = []
        path.reserveCapacity(decoded.count)
        for segment in segments {
            path.append(slash)
            path.append(contentsOf: segment)
        }
        if endsInSlash || path.isEmpty { path.append(slash) }
        return path
    }

    private enum SegmentKind { case name, nothing, parent, disguised }

    private static func kind(of segment: ArraySlice<UInt8>) -> SegmentKind {
        let dots = segment.prefix { $0 == UInt8(ascii: ".") }
        let rest = segment[dots.endIndex...]
        if rest.isEmpty, dots.count <= 1 { return .nothing }
        guard (1...2).contains(dots.count) else { return .name }
        if rest.isEmpty { return .parent }
        return rest.first == UInt8(ascii: ";") || rest.starts(with: "%3B".utf8)
            ? .disguised : .name
    }

    private static func normalQuery(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, of head: ByteBuffer
    ) throws(RequestFault) -> ByteBuffer {
        for byte in bytes where !ByteClass.of(byte).contains(.query) {
            return ByteBuffer(bytes: try resolvedEscapes(bytes, in: .query))
        }
        return slice(head, at: offset, length: bytes.count)
    }

    /// Where bytes stand, and what of them is escaped there although clients do not.
    private enum Part {
        case path, query

        var plain: ByteClass { self == .path ? .path : .query }

        func escapes(_ byte: UInt8) -> Bool {
            if byte >= 0x80 { return true }
            return switch self {
            case .path: "[]|".utf8.contains(byte)
            case .query: "{}|^`\\".utf8.contains(byte)
            }
        }
    }

    /// Checks each byte and brings each escape to its normal form.
    private static func resolvedEscapes(
        _ bytes: UnsafeRawBufferPointer, in part: Part
    ) throws(RequestFault) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            guard byte == UInt8(ascii: "%") else {
                if ByteClass.of(byte).contains(part.plain) {
                    result.append(byte)
                } else {
                    guard part.escapes(byte) else { throw .target }
                    appendEscape(byte, to: &result)
                }
                continue
            }
            guard index + 1 < bytes.count, let high = ByteClass.hexValue(bytes[index]),
                let low = ByteClass.hexValue(bytes[index + 1])
            else {
                guard part == .query else { throw .target }
                appendEscape(byte, to: &result)
                continue
            }
            index += 2
            let value = high << 4 | low
            if ByteClass.of(value).contains(.unreserved) {
                result.append(value)
            } else {
                appendEscape(value, to: &result)
            }
        }
        return result
    }

    private static func appendEscape(_ byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: [UInt8(ascii: "%"), upperHex(byte >> 4), upperHex(byte & 15)])
    }

    /// Refuses escapes in a path that hide a separator, a control byte or broken UTF-8.
    private static func checkEscapes(_ path: [UInt8]) throws(RequestFault) {
        var decoded: [UInt8] = []
        var index = 0
        while index < path.count {
            guard path[index] == UInt8(ascii: "%"), let high = ByteClass.hexValue(path[index + 1]),
                let low = ByteClass.hexValue(path[index + 2])
            else {
                decoded.append(path[index])
                index += 1
                continue
            }
            let value = high << 4 | low
            if value == UInt8(ascii: "/") || value == UInt8(ascii: "\\") { throw .pathEscape }
            if value < 0x20 || value == 0x7F { throw .target }
            decoded.append(value)
            index += 3
        }
        guard String(validating: decoded, as: UTF8.self) != nil else { throw .target }
    }

    private static func upperHex(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10
    }
}
