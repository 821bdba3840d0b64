import JSONText
public import NIOCore

/// What a called service said.
public struct JSONAnswer: Sendable {
    /// The HTTP status.
    public var status: Int

    /// The body as it came.
    public var body: ByteBuffer

    /// An answer.
    public init(status: Int, body: ByteBuffer) {
        self.status = status
        self.body = body
    }

    /// The body as a value, whatever the status says.
    public func decode<Value: Decodable>(_ type: Value.Type) throws(CallError) -> Value {
        do {
            return try JSONCoder.decode(type, from: Array(body.readableBytesView))
        } catch {
            throw CallError(
                .unreadable, "an answer with status \(status) is not the JSON that was agreed on",
                cause: error)
        }
    }

    /// The body as a problem of RFC 9457, if that is what it is.
    public var problem: CalledProblem? {
        try? decode(CalledProblem.self)
    }
}

/// The members of another service's problem answer that a caller can act on.
public struct CalledProblem: Decodable, Sendable {
    /// The reason in snake_case.
    public var code: String?

    /// The reason in a sentence.
    public var detail: String?
}
