import HTTPTypes
public import Hummingbird
import NIOCore

extension Request {
    /// The body as strict JSON.
    ///
    /// Throws 415 if it is not declared as JSON or is compressed, 413 if it is larger than the
    /// context allows, 400 if it is cut short or not acceptable JSON.
    package func jsonDocument(_ context: ServiceContext) async throws(Problem) -> JSONDocument {
        try checkContentType()
        return try JSONDocument(try await collectedBody(upTo: context.bodySizeMaximum))
    }

    /// The body's object, read field by field; see ``FieldReader``.
    public func readJSON<Result>(
        _ context: ServiceContext, unknown: FieldReader.Unknown = .ignored,
        _ read: (FieldReader) -> Result
    ) async throws(Problem) -> Result {
        try await jsonDocument(context).read(unknown: unknown, read)
    }

    /// `application/json` and every `+json` type, in UTF-8, not compressed.
    private func checkContentType() throws(Problem) {
        let parts = (headers[.contentType] ?? "").split(separator: ";").map {
            $0.drop { $0 == " " }.lowercased().trimmingSpace
        }
        guard let type = parts.first,
            type == "application/json" || type.hasPrefix("application/") && type.hasSuffix("+json")
        else {
            throw Problem(
                .unsupportedMediaType, code: "unsupported_media_type",
                detail: "The body must be JSON, declared as Content-Type: application/json.",
                headers: [.accept: "application/json"])
        }
        let charset = parts.dropFirst().first { $0.hasPrefix("charset=") }?.dropFirst(8)
            .filter { $0 != "\"" }
        // `utf8` is not the registered name, and is sent all the same.
        guard charset == nil || charset == "utf-8" || charset == "utf8" else {
            throw Problem(
                .unsupportedMediaType, code: "unsupported_charset",
                detail: "The body must be in UTF-8.")
        }
        guard (headers[.contentEncoding] ?? "identity").lowercased() == "identity" else {
            throw Problem(
                .unsupportedMediaType, code: "unsupported_encoding",
                detail: "The body must not be compressed.", headers: [.acceptEncoding: "identity"])
        }
    }

    private func collectedBody(upTo maximum: Int) async throws(Problem) -> [UInt8] {
        let declared = headers[.contentLength].flatMap { Int($0) }
        if let declared, declared > maximum { throw .tooLarge(maximum) }
        var bytes: [UInt8] = []
        do {
            for try await buffer in body {
                guard bytes.count + buffer.readableBytes <= maximum else {
                    throw Problem.tooLarge(maximum)
                }
                bytes.append(contentsOf: buffer.readableBytesView)
            }
        } catch let problem as Problem {
            throw problem
        } catch {
            throw .cutShort(cause: error)
        }
        // A connection that breaks ends the body without an error.
        if let declared, bytes.count < declared { throw .cutShort(cause: nil) }
        return bytes
    }
}

extension Problem {
    fileprivate static func tooLarge(_ maximum: Int) -> Problem {
        Problem(
            .contentTooLarge, code: "body_too_large",
            detail: "The body may have at most \(maximum) bytes.")
    }

    fileprivate static func cutShort(cause: (any Error)?) -> Problem {
        Problem(
            .badRequest, code: "incomplete_body", detail: "The body broke off or is framed badly.",
            headers: [.connection: "close"], cause: cause)
    }
}

extension String {
    fileprivate var trimmingSpace: String {
        var text = self[...]
        while text.last == " " || text.last == "\t" { text.removeLast() }
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        return String(text)
    }
}
