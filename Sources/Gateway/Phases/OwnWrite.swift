import NIOCore
import NIOHTTP1

/// Which addresses a request that may have changed something makes old (RFC 9111 section 4.4);
/// pure.
///
/// Its own, and those that the answer names as the place of what it made, if they are of the same
/// authority, as the client names it or the upstream: another's addresses are none of its business.
enum OwnWrite {
    /// A longer one is not looked at; no request could ask for it either.
    private static let longest = 8_192

    /// The paths in normal form, each with and without a slash at its end.
    ///
    /// - Parameters:
    ///   - target: the path of the request.
    ///   - authorities: its `Host`, and that of the upstream which answered.
    ///   - fields: those of the answer; nil if there was none.
    static func paths(
        target: ByteBuffer, authorities: [String], fields: HTTPHeaders?
    ) -> [ByteBuffer] {
        var paths = [target]
        for name in ["location", "content-location"] {
            for reference in fields?[name] ?? [] {
                guard let path = path(of: reference, from: target, authorities) else { continue }
                paths.append(path)
            }
        }
        return paths.reduce(into: []) { all, path in
            for spelling in spellings(of: path) where !all.contains(spelling) {
                all.append(spelling)
            }
        }
    }

    private static func spellings(of path: ByteBuffer) -> [ByteBuffer] {
        let bytes = path.readableBytesView
        guard bytes.count > 1 else { return [path] }
        if bytes.last == UInt8(ascii: "/") { return [path, ByteBuffer(bytes: bytes.dropLast())] }
        return [path, ByteBuffer(bytes: Array(bytes) + [UInt8(ascii: "/")])]
    }

    private static func path(
        of reference: String, from target: ByteBuffer, _ authorities: [String]
    ) -> ByteBuffer? {
        guard reference.utf8.count <= longest else { return nil }
        var rest = Substring(reference).prefix { $0 != "#" && $0 != "?" }
        let scheme = rest.prefix { $0 != ":" && $0 != "/" }
        if scheme.endIndex < rest.endIndex, rest[scheme.endIndex] == ":" {
            guard ["http", "https"].contains(scheme.lowercased()) else { return nil }
            rest = rest[rest.index(after: scheme.endIndex)...]
            guard rest.hasPrefix("//") else { return nil }
        }
        if rest.hasPrefix("//") {
            rest = rest.dropFirst(2)
            let named = rest.prefix { $0 != "/" }
            guard authorities.contains(where: { isSame(named, $0) }) else { return nil }
            rest = rest[named.endIndex...]
            if rest.isEmpty { rest = "/" }
        }
        if rest.isEmpty { return target }
        return normal(rest.hasPrefix("/") ? String(rest) : folder(of: target) + rest)
    }

    /// Everything up to the last slash.
    private static func folder(of target: ByteBuffer) -> String {
        let bytes = target.readableBytesView
        let slash = bytes.lastIndex(of: UInt8(ascii: "/")) ?? bytes.startIndex
        return String(decoding: bytes[...slash], as: UTF8.self)
    }

    private static func isSame(_ one: Substring, _ other: String) -> Bool {
        bare(one) == bare(Substring(other))
    }

    /// Without the port that goes without saying; the gateway does not know which scheme the
    /// client used, so both count.
    private static func bare(_ authority: Substring) -> String {
        let text = authority.lowercased()
        for port in [":80", ":443"] where text.hasSuffix(port) {
            return String(text.dropLast(port.count))
        }
        return text
    }

    private static func normal(_ path: String) -> ByteBuffer? {
        let buffer = ByteBuffer(string: path)
        return buffer.withUnsafeReadableBytes { bytes in
            try? RequestTarget.parse(bytes, at: 0, of: buffer).path
        }
    }
}
