import HTTPTypes
public import Hummingbird
import JSONText
import NIOCore
import Observability

extension Problem: HTTPResponseError {
    /// The answer, with the request's path as `instance` and its ID.
    public func response(from request: Request, context: some RequestContext) throws -> Response {
        answer(to: request, requestID: (context as? ServiceContext)?.requestID)
    }

    func answer(to request: Request, requestID: RequestName?) -> Response {
        var fields = headers
        fields[.contentType] = "application/problem+json"
        let body = json(
            instance: String(request.uri.path.prefix(512)), requestID: requestID)
        return Response(
            status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body))
        )
    }

    func json(instance: String?, requestID: RequestName?) -> [UInt8] {
        JSONWriter.object { json in
            json.set("type", "about:blank")
            json.set("title", status.reasonPhrase.isEmpty ? code : status.reasonPhrase)
            json.set("status", status.code)
            json.set("code", code)
            json.set("detail", detail)
            if let instance { json.set("instance", instance) }
            if let requestID { json.set("requestId", requestID.description) }
            if !faults.isEmpty {
                json.set("errors", each: faults) { fault, json in
                    switch fault.place {
                    case .pointer(let pointer): json.set("pointer", pointer)
                    case .parameter(let name): json.set("parameter", name)
                    case .header(let name): json.set("header", name)
                    }
                    json.set("detail", fault.detail)
                }
            }
        }
    }
}

extension Problem {
    /// What an error from anywhere becomes: problems stay, the framework's errors keep their
    /// status, everything else is an internal error that tells nothing.
    init(describing error: any Error) {
        switch error {
        case let problem as Problem:
            self = problem
        case let error as HTTPError:
            self.init(
                error.status, code: Self.code(for: error.status),
                detail: error.body ?? error.status.reasonPhrase, headers: error.headers)
        case let error as any HTTPResponseError:
            self.init(
                error.status, code: Self.code(for: error.status),
                detail: error.status.reasonPhrase, cause: error)
        case is CancellationError:
            self = .unavailable("The service is stopping.", cause: error)
        default:
            self = .internal(cause: error)
        }
    }

    /// `Content Too Large` becomes `content_too_large`.
    private static func code(for status: HTTPResponse.Status) -> String {
        status.reasonPhrase.lowercased().split(separator: " ").joined(separator: "_")
    }
}
