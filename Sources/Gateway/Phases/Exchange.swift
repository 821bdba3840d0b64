import NIOCore

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
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let high = ByteClass.hexValue(bytes[index + 1]),
                let low = ByteClass.hexValue(bytes[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Escapes everything that could end a segment, or `nil` if it cannot be one.
    static func encodedSegment(_ text: String) -> String? {
        guard !text.isEmpty, text != ".", text != "..", text.utf8.count <= 1024 else { return nil }
        return encoded(text)
    }

    /// Escapes everything that could mean something in a segment or in a parameter of a query.
    static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            if ByteClass.of(byte).contains(.unreserved) {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                result += byte < 16 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return result
    }
}
