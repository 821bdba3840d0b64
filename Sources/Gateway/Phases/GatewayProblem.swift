import JSONText
import NIOCore
import NIOHTTP1

/// An answer of the gateway itself that tells what was wrong (RFC 9457).
struct GatewayProblem: Equatable, Sendable {
    let status: Int
    let code: String
    let detail: String
    var fields: [Field] = []

    struct Field: Equatable, Sendable {
        let name: String
        let value: String
    }

    init(_ status: Int, _ code: String, _ detail: String, fields: [Field] = []) {
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = fields
    }

    init(_ fault: RequestFault) {
        self.init(fault.status, fault.code, fault.detail)
    }

    /// What a call that got no answer means to the client.
    init(_ failure: UpstreamFailure, upstream: String) {
        let retry = [Field(name: "Retry-After", value: "1")]
        switch failure.kind {
        case .unreachable:
            self.init(
                503, "upstream_unavailable", "`\(upstream)` cannot be reached.", fields: retry)
        case .overloaded:
            self.init(
                503, "upstream_overloaded", "`\(upstream)` has too much to do.", fields: retry)
        case .cancelled, .stopped:
            self.init(503, "stopping", "The gateway is stopping.", fields: retry)
        case .timedOut:
            self.init(504, "upstream_timeout", "`\(upstream)` did not answer in time.")
        case .closedEarly, .broken:
            self.init(502, "upstream_broken", "`\(upstream)` gave no valid answer.")
        case .tooLarge:
            self.init(502, "upstream_answer_too_large", "`\(upstream)` answered too much.")
        case .unsendable: self.init(500, "internal_error", "The request could not be passed on.")
        }
    }

    /// What an upstream that cannot answer now says of itself, as far as it says anything.
    ///
    /// Whoever obeys a pause of years does not come back; an hour is the most that is passed on.
    init(unavailable response: UpstreamResponse, _ upstream: String) {
        let said = JSONPart(response.body.readableBytesView)?.member("detail")?.scalarText
        let pause = response.fields.first(name: "retry-after").flatMap { Int($0) }
        self.init(
            503, "upstream_unavailable",
            "`\(upstream)` cannot answer now" + (said.map { ": \($0.prefix(200))" } ?? "."),
            fields: [Field(name: "Retry-After", value: String(min(max(1, pause ?? 1), 3_600)))])
    }

    static let notFound = GatewayProblem(404, "no_such_route", "Nothing is here.")
    static let overloaded = GatewayProblem(
        503, "overloaded", "Too many requests wait.",
        fields: [.init(name: "Retry-After", value: "1")])

    static func methodNotAllowed(_ allow: String) -> GatewayProblem {
        GatewayProblem(
            405, "method_not_allowed", "This path takes \(allow).",
            fields: [.init(name: "Allow", value: allow)])
    }

    /// The whole answer.
    func response(requestName: String?) -> FetchedResponse {
        let title = RenderedResponse.reason(of: status)
        var body = Array("{\"type\":\"about:blank\",\"title\":".utf8)
        body += [UInt8](quoting: title) + Array(",\"status\":\(status),\"code\":".utf8)
        body += [UInt8](quoting: code) + Array(",\"detail\":".utf8) + [UInt8](quoting: detail)
        if let requestName {
            body += Array(",\"requestId\":".utf8) + [UInt8](quoting: requestName)
        }
        body.append(UInt8(ascii: "}"))
        var headers: HTTPHeaders = ["Content-Type": "application/problem+json"]
        for field in fields { headers.add(name: field.name, value: field.value) }
        return FetchedResponse(status: status, fields: headers, body: ByteBuffer(bytes: body))
    }
}
