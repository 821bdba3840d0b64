import Crypto
import NIOCore
import NIOHTTP1
import Timekeeping

/// The bytes of an answer and its validators.
struct RenderedResponse: Sendable {
    var status: Int
    var head: ByteBuffer
    var notModifiedHead: ByteBuffer?
    var body: ByteBuffer
    var entityTag: String?
    var lastModified: Int64?

    /// Renders what was fetched: hop-by-hop fields, `Content-Length` and foreign
    /// `Cache-Status` go; `Date`, `ETag` and `Cache-Control: no-cache` come where the origin
    /// gives none, so that clients ask again and are answered 304.
    ///
    /// - Parameter isKept: whether the answer is to be stored. Only then is it copied into
    ///   buffers of its own size and given an entity tag.
    /// - Parameter isPassedOn: whether it goes to its own request as the origin gave it. Else the
    ///   caller writes `Age` each time, and ranges cannot be had.
    init(
        _ fetched: FetchedResponse, isKept: Bool, isPassedOn: Bool = false, wallSeconds: Int64
    ) {
        var fields = RenderedResponse.endToEnd(fetched.fields)
        if !isPassedOn {
            fields.remove(name: "age")
            fields.remove(name: "accept-ranges")
        }
        status = fetched.status
        body = isKept ? ByteBuffer(copying: fetched.body) : fetched.body
        lastModified = fields.first(name: "last-modified").flatMap(HTTPDate.seconds)
        entityTag = fields.first(name: "etag")
        var added: [(String, String)] = []
        if entityTag == nil, isKept, fetched.status == 200 {
            let tag = RenderedResponse.entityTag(of: fetched.body)
            entityTag = tag
            added.append(("ETag", tag))
        }
        if !fields.contains(name: "date") {
            added.append(("Date", HTTPDate.text(wallSeconds)))
        }
        if isKept, !fields.contains(name: "cache-control"), !fields.contains(name: "expires") {
            added.append(("Cache-Control", "no-cache"))
        }
        let all = fields.map { ($0.name, $0.value) } + added
        head = RenderedResponse.head(
            status: fetched.status, all, length: fetched.body.readableBytes)
        if fetched.status == 200, entityTag != nil || lastModified != nil {
            let kept = all.filter { RenderedResponse.notModifiedFields.contains($0.0.lowercased()) }
            notModifiedHead = RenderedResponse.head(status: 304, kept, length: nil)
        }
    }

    /// The answer another gateway rendered and stored.
    init(
        status: Int, head: ByteBuffer, notModifiedHead: ByteBuffer?, body: ByteBuffer,
        entityTag: String?, lastModified: Int64?
    ) {
        self.status = status
        self.head = head
        self.notModifiedHead = notModifiedHead
        self.body = body
        self.entityTag = entityTag
        self.lastModified = lastModified
    }

    /// What RFC 9110 section 15.4.5 wants in a 304 answer.
    private static let notModifiedFields: Set<String> = [
        "cache-control", "content-location", "date", "etag", "expires", "last-modified", "vary",
    ]

    /// Fields of one connection (RFC 9110 section 7.6.1), and those written anew each time.
    private static let dropped: Set<String> = [
        "cache-status", "connection", "content-length", "keep-alive",
        "proxy-authenticate", "proxy-authentication-info", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    private static func endToEnd(_ fields: HTTPHeaders) -> HTTPHeaders {
        let named = fields[canonicalForm: "connection"].map { $0.lowercased() }
        var kept = HTTPHeaders()
        for (name, value) in fields {
            let lowercased = name.lowercased()
            guard !dropped.contains(lowercased), !named.contains(lowercased),
                isSafe(name), isSafe(value)
            else { continue }
            kept.add(name: name, value: value)
        }
        return kept
    }

    /// A line end inside a field would let its writer add fields of his own.
    private static func isSafe(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 != 13 && $0 != 10 && $0 != 0 }
    }

    private static func entityTag(of body: ByteBuffer) -> String {
        var sha = SHA256()
        body.withUnsafeReadableBytes { sha.update(bufferPointer: $0) }
        return "\"" + Hexadecimal.text(of: sha.finalize().prefix(16)) + "\""
    }

    /// A status in words, as RFC 9110 has them; the library still uses those of its forerunners.
    static func reason(of status: Int) -> String {
        switch status {
        case 413: "Content Too Large"
        case 422: "Unprocessable Content"
        default: HTTPResponseStatus(statusCode: status).reasonPhrase
        }
    }

    private static func head(
        status: Int, _ fields: [(String, String)], length: Int?
    ) -> ByteBuffer {
        var bytes = ByteBuffer(string: "HTTP/1.1 \(status) \(reason(of: status))\r\n")
        for (name, value) in fields {
            bytes.writeString(name)
            bytes.writeStaticString(": ")
            FieldText.write(value, into: &bytes)
            bytes.writeStaticString("\r\n")
        }
        if let length, status != 204, status != 304 {
            bytes.writeString("Content-Length: \(length)\r\n")
        }
        return bytes
    }
}

extension ByteBuffer {
    /// The readable bytes in a buffer of their own, so that a slice keeps no big one alive.
    init(copying other: ByteBuffer) {
        self = ByteBufferAllocator().buffer(capacity: other.readableBytes)
        writeImmutableBuffer(other)
    }
}
