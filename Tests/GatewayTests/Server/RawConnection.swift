import NIOCore

/// A client that sends the bytes it is told, and reads answers as text.
final class RawConnection: Sendable {
    struct Answer: Sendable {
        var status: Int
        var fields: [String: String]
        var body: String
    }

    private let connection: CountingConnection

    init(port: Int) async throws {
        connection = try await CountingConnection(port: port)
    }

    func send(_ text: String) async throws { try await connection.send(text) }

    func send(_ bytes: [UInt8]) async throws { try await connection.send(ByteBuffer(bytes: bytes)) }

    /// Nothing more will be sent; answers are still awaited.
    func endSending() async throws { try? await connection.endSending() }

    /// The next answer, an interim one too.
    func answer(isHead: Bool = false) async throws -> Answer {
        let answer = try await connection.answer(isHead: isHead, skipsInterim: false)
        return Answer(
            status: answer.status, fields: answer.fields, body: String(buffer: answer.body))
    }

    /// Whatever still comes until the other side closes.
    func rest() async -> String { String(buffer: await connection.rest()) }

    func close() async { await connection.close() }

    /// One request and its answer.
    func request(
        _ method: String, _ target: String, _ fields: [String] = [], body: String = ""
    ) async throws -> Answer {
        let length = body.isEmpty ? [] : ["Content-Length: \(body.utf8.count)"]
        let lines = ["\(method) \(target) HTTP/1.1", "Host: shop"] + fields + length
        try await send(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
        return try await answer(isHead: method == "HEAD")
    }

    func get(_ target: String, _ fields: [String] = []) async throws -> Answer {
        try await request("GET", target, fields)
    }
}
