public import NIOCore
public import NIOHTTP1

/// What a fill brought: an upstream's answer, or an aggregate of several.
public struct FetchedResponse: Sendable {
    /// The status code.
    public var status: Int
    /// The fields as they came; each scalar of a value stands for one byte.
    ///
    /// Hop-by-hop fields and `Content-Length` are dropped later.
    public var fields: HTTPHeaders
    /// The whole body.
    public var body: ByteBuffer
    /// Whether parts of an aggregate are missing or stand-ins.
    public var isPartial: Bool
    /// The fields of the answers that an aggregate was made of.
    ///
    /// What any of them says about keeping and sharing holds for the whole.
    public var parts: [HTTPHeaders]

    /// An answer as it was fetched.
    public init(
        status: Int, fields: HTTPHeaders, body: ByteBuffer, isPartial: Bool = false,
        parts: [HTTPHeaders] = []
    ) {
        self.status = status
        self.fields = fields
        self.body = body
        self.isPartial = isPartial
        self.parts = parts
    }
}
