package import NIOCore
package import NIOHTTP1

/// What a fill brought: an upstream's answer, or an aggregate of several.
package struct FetchedResponse: Sendable {
    /// The status code.
    package var status: Int
    /// The fields as they came; each scalar of a value stands for one byte.
    ///
    /// Hop-by-hop fields and `Content-Length` are dropped later.
    package var fields: HTTPHeaders
    /// The whole body.
    package var body: ByteBuffer
    /// Whether parts of an aggregate are missing or stand-ins.
    package var isPartial: Bool
    /// The fields of the answers that an aggregate was made of.
    ///
    /// What any of them says about keeping and sharing holds for the whole.
    package var parts: [HTTPHeaders]

    /// An answer as it was fetched.
    package init(
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
