import NIOCore

/// Writes the heads of requests as they are meant, fields byte by byte.
enum UpstreamRequestEncoder {
    /// The head of a request, with the Host and the length that it has.
    static func head(_ request: UpstreamRequest, host: String) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(1024)
        bytes.writeString(request.method.rawValue)
        bytes.writeStaticString(" ")
        bytes.writeString(request.path)
        bytes.writeStaticString(" HTTP/1.1\r\nHost: ")
        bytes.writeString(host)
        bytes.writeStaticString("\r\n")
        for (name, value) in request.fields where !isOurs(name) {
            bytes.writeString(name)
            bytes.writeStaticString(": ")
            FieldText.write(value, into: &bytes)
            bytes.writeStaticString("\r\n")
        }
        if let length = length(of: request) {
            bytes.writeStaticString("Content-Length: ")
            bytes.writeString(String(length))
            bytes.writeStaticString("\r\n")
        }
        bytes.writeStaticString("\r\n")
        return bytes
    }

    private static func length(of request: UpstreamRequest) -> Int? {
        if let body = request.body { return body.readableBytes }
        return request.method.isSafe || request.method == .delete ? nil : 0
    }

    private static func isOurs(_ name: String) -> Bool {
        switch name.utf8.count {
        case 4: name.lowercased() == "host"
        case 14: name.lowercased() == "content-length"
        default: false
        }
    }
}
