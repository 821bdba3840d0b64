public import HTTPTypes

/// An answer that tells the client what was wrong, as RFC 9457 problem details.
///
/// Throw one from a route and the client gets it as `application/problem+json`:
///
///     {"type":"about:blank","title":"Bad Request","status":400,"code":"invalid_request",
///      "detail":"2 fields are not acceptable.","instance":"/orders","requestId":"…",
///      "errors":[{"pointer":"/quantity","detail":"must be an integer from 1 to 1000"}]}
///
/// Everything in it but ``cause`` is sent, so it must be safe to show.
public struct Problem: Error, Sendable {
    /// One thing that is wrong with the request, and where.
    public struct Fault: Sendable, Hashable {
        /// The part of the request that a fault lies in.
        public enum Place: Sendable, Hashable {
            /// A JSON pointer (RFC 6901) into the body; the empty one is the whole body.
            case pointer(String)
            /// A parameter of the path or the query, by name.
            case parameter(String)
            /// A header field, by name.
            case header(String)
        }

        /// Where it lies.
        public var place: Place
        /// What is wrong, so that it reads after the field's name: `must not be empty`.
        public var detail: String

        /// A fault at that place.
        public init(_ place: Place, _ detail: String) {
            self.place = place
            self.detail = detail
        }
    }

    /// The status of the answer.
    public var status: HTTPResponse.Status
    /// A stable word in snake_case for programs, such as `insufficient_funds`.
    public var code: String
    /// One or two sentences for people.
    public var detail: String
    /// Every single fault, if the request is to blame.
    public var faults: [Fault]
    /// Further header fields of the answer, such as `Retry-After` or `Allow`.
    public var headers: HTTPFields
    /// What lies below; logged for statuses from 500 on, never sent.
    public var cause: (any Error)?

    /// A problem with all its parts.
    public init(
        _ status: HTTPResponse.Status, code: String, detail: String, faults: [Fault] = [],
        headers: HTTPFields = [:], cause: (any Error)? = nil
    ) {
        self.status = status
        self.code = code
        self.detail = detail
        self.faults = faults
        self.headers = headers
        self.cause = cause
    }

    /// Whether the same request may succeed later without a change.
    public var retry: Bool {
        status == .serviceUnavailable || status == .tooManyRequests || status == .requestTimeout
            || status == .gatewayTimeout
    }
}

extension Problem: CustomStringConvertible {
    /// Status, code and detail; safe to show.
    public var description: String { "\(status.code) \(code): \(detail)" }
}

extension HTTPResponse.Status {
    /// 402, which the standard reserves and payment companies use.
    public static var paymentRequired: Self { Self(code: 402, reasonPhrase: "Payment Required") }
}

// MARK: - The usual ones

extension Problem {
    /// 400 with every fault named, code `invalid_request`.
    public static func invalid(_ faults: [Fault]) -> Problem {
        let detail =
            faults.count == 1
            ? "One part of the request is not acceptable."
            : "\(faults.count) parts of the request are not acceptable."
        return Problem(.badRequest, code: "invalid_request", detail: detail, faults: faults)
    }

    /// 404, code `not_found`.
    public static func notFound(_ detail: String) -> Problem {
        Problem(.notFound, code: "not_found", detail: detail)
    }

    /// 409 with a code of its own.
    public static func conflict(code: String, _ detail: String) -> Problem {
        Problem(.conflict, code: code, detail: detail)
    }

    /// 422 with a code of its own.
    public static func unprocessable(code: String, _ detail: String) -> Problem {
        Problem(.unprocessableContent, code: code, detail: detail)
    }

    /// 503 with `Retry-After`, code `unavailable`.
    public static func unavailable(
        _ detail: String, retryAfterSeconds: Int = 1, cause: (any Error)? = nil
    ) -> Problem {
        Problem(
            .serviceUnavailable, code: "unavailable", detail: detail,
            headers: [.retryAfter: String(retryAfterSeconds)], cause: cause)
    }

    /// 500 that tells nothing, code `internal_error`.
    public static func `internal`(cause: any Error) -> Problem {
        Problem(
            .internalServerError, code: "internal_error",
            detail: "The service failed. The request's ID leads to the reason in its log.",
            cause: cause)
    }
}
