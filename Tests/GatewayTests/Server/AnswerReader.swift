import NIOCore

/// Cuts the bytes of a connection into answers, without a library between; pure.
///
/// Every byte belongs to an answer that was expected, or is counted as surplus.
struct AnswerReader {
    struct Answer {
        var status: Int
        var fields: [String: String]
        var body: ByteBuffer
        var head = ByteBuffer()
    }

    private var buffer = ByteBuffer()
    private(set) var receivedBytes = 0

    /// Bytes that belong to no answer taken so far.
    var rest: ByteBuffer { buffer }

    mutating func feed(_ bytes: ByteBuffer) {
        receivedBytes += bytes.readableBytes
        buffer.discardReadBytes()
        buffer.writeImmutableBuffer(bytes)
    }

    /// The next whole answer, or `nil` until more has come.
    mutating func next(isHead: Bool) -> Answer? {
        guard let head = headLength() else { return nil }
        let text = buffer.getString(at: buffer.readerIndex, length: head) ?? ""
        var fields: [String: String] = [:]
        let lines = text.split(separator: "\r\n")
        for line in lines.dropFirst() {
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            let name = line[..<colon].lowercased()
            let value = String(line[colon...].dropFirst(2))
            fields[name] = fields[name].map { "\($0), \(value)" } ?? value
        }
        let status = Int(lines.first?.dropFirst(9).prefix(3) ?? "") ?? 0
        let isBodiless = isHead || status == 304 || status == 204 || status < 200
        let length = isBodiless ? 0 : Int(fields["content-length"] ?? "") ?? 0
        guard buffer.readableBytes >= head + length else { return nil }
        let bytes = buffer.readSlice(length: head) ?? ByteBuffer()
        let body = buffer.readSlice(length: length) ?? ByteBuffer()
        return Answer(status: status, fields: fields, body: body, head: bytes)
    }

    /// Bytes up to the end of the empty line.
    private func headLength() -> Int? {
        buffer.withUnsafeReadableBytes { bytes in
            var index = 3
            while index < bytes.count {
                if bytes[index] == 10, bytes[index - 1] == 13, bytes[index - 2] == 10 {
                    return index + 1
                }
                index += 1
            }
            return nil
        }
    }
}
