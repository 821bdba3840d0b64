public import HTTPTypes
public import Hummingbird
public import JSONText
import NIOCore

extension Response {
    /// An answer with a JSON object.
    public static func json(
        _ status: HTTPResponse.Status = .ok, headers: HTTPFields = [:],
        _ write: (inout JSONWriter) -> Void
    ) -> Response {
        json(status, headers: headers, text: JSONWriter.object(write))
    }

    /// An answer with JSON text that is already written.
    public static func json(
        _ status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], text: [UInt8]
    ) -> Response {
        var fields = headers
        fields[.contentType] = "application/json"
        return Response(
            status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: text))
        )
    }

    /// 304 with the version that the client has.
    public static func notModified(_ tag: EntityTag) -> Response {
        Response(status: .notModified, headers: [.eTag: tag.description])
    }
}
