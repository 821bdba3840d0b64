import NIOCore
import PlainText

/// One request on its way through the phases, from its route to its answer.
struct Exchange: Sendable {
    let route: CompiledRoute
    let head: RequestHead
    /// Where the route's parameters stand in the path.
    let parameters: [Range<Int>]
    /// What of the query is keyed and forwarded.
    let query: String?
    /// What the answer is kept under, on a route with a cache.
    let key: CacheKey?
    /// The request's name, the client's own if that is acceptable.
    let name: String
    /// The client's address.
    let peer: String
    let began: Moment
    /// The event loop of its connection, where its calls run too.
    let eventLoop: any EventLoop
    var body: ByteBuffer?

    /// Whether the client's path ends in a slash that is not its first.
    var pathEndsInSlash: Bool {
        let path = head.target.path
        return path.readableBytes > 1
            && path.getInteger(at: path.writerIndex - 1, as: UInt8.self) == UInt8(ascii: "/")
    }

    /// Whether the answer may depend on who asks.
    var hasCredentials: Bool {
        head.contains(.authorization) || head.contains(.cookie)
    }

    /// A parameter as it stands in the path, escapes and all.
    func encodedParameter(_ name: String) -> String? {
        guard let index = route.parameters.firstIndex(of: name) else { return nil }
        let range = parameters[index]
        let path = head.target.path
        return path.getString(at: path.readerIndex + range.lowerBound, length: range.count)
    }

    /// A parameter as it is meant.
    func parameter(_ name: String) -> String? {
        encodedParameter(name).map(PercentText.decoded)
    }
}

/// Text in and out of one path segment.
enum PercentText {
    /// Resolves escapes; the path they stand in has been checked.
    static func decoded(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        return PercentEncoding.bytes(text).map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    /// Escapes everything that could end a segment, or `nil` if it cannot be one.
    static func encodedSegment(_ text: String) -> String? {
        guard !text.isEmpty, text != ".", text != "..", text.utf8.count <= 1024 else { return nil }
        return PercentEncoding.encode(text)
    }
}
