package import NIOCore
package import NIOHTTP1

/// One call to an upstream, in the gateway's own words.
package struct UpstreamRequest: Sendable {
    package var method: RequestMethod
    /// Path and query, in normal form.
    package var path: String
    /// End-to-end fields only; Host and lengths are set when it is sent.
    package var fields: HTTPHeaders
    package var body: ByteBuffer?

    package init(
        method: RequestMethod, path: String, fields: HTTPHeaders = [:], body: ByteBuffer? = nil
    ) {
        self.method = method
        self.path = path
        self.fields = fields
        self.body = body
    }

    /// Whether nothing in it could end its line or begin another.
    ///
    /// The parser and the templates see to that already; this is the last check.
    var isSafe: Bool {
        guard path.hasPrefix("/"), path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return false
        }
        return fields.allSatisfy { name, value in
            !name.isEmpty && name.utf8.allSatisfy { ByteClass.of($0).contains(.token) }
                && value.utf8.allSatisfy { ByteClass.of($0).contains(.fieldValue) }
        }
    }
}

/// A whole answer of an upstream.
package struct UpstreamResponse: Sendable {
    package var status: Int
    package var fields: HTTPHeaders
    package var body: ByteBuffer
    /// Which server gave it.
    package var target: UpstreamTarget
}

/// Why a call got no answer that can be used.
package struct UpstreamFailure: Error, Sendable, Equatable {
    package enum Kind: String, Sendable {
        /// No connection could be made; nothing was sent.
        case unreachable
        /// Too many calls wait already; nothing was sent.
        case overloaded
        /// The answer was not there in time.
        case timedOut
        /// The connection ended before the answer did.
        case closedEarly
        /// The answer breaks HTTP or its own length.
        case broken
        /// The answer is larger than is taken.
        case tooLarge
        /// The request itself could not be sent safely.
        case unsendable
        /// Nobody waits for the answer any more.
        case cancelled
        /// The gateway is stopping.
        case stopped

        fileprivate var mayFollowSending: Bool {
            switch self {
            case .unreachable, .overloaded, .unsendable, .stopped: false
            case .timedOut, .closedEarly, .broken, .tooLarge, .cancelled: true
            }
        }
    }

    package var kind: Kind
    package var detail: String
    /// Whether the upstream may have seen the request, be it in an earlier try.
    package var wasSent: Bool

    /// - Parameter wasSent: where the kind alone does not tell; without it, it counts as sent.
    init(_ kind: Kind, _ detail: String = "", wasSent: Bool? = nil) {
        self.kind = kind
        self.detail = detail
        self.wasSent = wasSent ?? kind.mayFollowSending
    }

    static func broken(_ detail: String) -> UpstreamFailure { .init(.broken, detail) }

    static func unsolicited(_ status: Int) -> UpstreamFailure {
        .broken("status \(status) that nobody asked for")
    }
}
