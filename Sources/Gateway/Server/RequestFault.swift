/// Why the bytes of a client are not a request we serve.
///
/// After it the connection is closed, because nobody can say where a next request would begin.
package struct RequestFault: Error, Equatable, Sendable {
    package let status: Int
    package let code: String
    package let detail: String

    package init(_ status: Int, _ code: String, _ detail: String) {
        self.status = status
        self.code = code
        self.detail = detail
    }
}

extension RequestFault {
    static func malformed(_ detail: String) -> RequestFault {
        RequestFault(400, "malformed_request", detail)
    }

    static let bareLineFeed = malformed("A line ends in LF without CR.")
    static let requestLine = malformed("The request line is not `method target HTTP/1.1`.")
    static let target = malformed("The request target contains bytes that a URI cannot have.")
    static let pathEscape = malformed("The path escapes its root or hides a separator.")
    static let fieldSyntax = malformed("A header field is malformed.")
    static let foldedField = malformed("A header field is folded over two lines.")
    static let host = malformed("Exactly one valid Host is required.")
    static let hostMismatch = malformed("The request target and Host name different authorities.")
    static let contentLength = malformed("Content-Length is not one plain number.")
    static let transferEncoding = malformed("Transfer-Encoding is not exactly `chunked`.")
    static let twoLengths = malformed("Content-Length and Transfer-Encoding exclude each other.")
    static let chunk = malformed("The chunked body is malformed.")
    static let unexpectedBody = malformed("This method takes no body.")

    static let version = RequestFault(505, "http_version_not_supported", "Use HTTP/1.1.")
    static let method = RequestFault(501, "method_not_implemented", "The method is unknown.")
    static let expectation = RequestFault(
        417, "expectation_failed", "Only `Expect: 100-continue` can be met.")
    static let targetTooLong = RequestFault(414, "uri_too_long", "The request line is too long.")
    static let fieldsTooLarge = RequestFault(
        431, "header_fields_too_large", "The header fields are too many or too long.")
    static let bodyTooLarge = RequestFault(413, "content_too_large", "The body is too large.")
    static let tooSlow = RequestFault(
        408, "request_timeout", "The request took too long to arrive.")
}
