import NIOCore
import NIOHTTP1

/// Puts the parts of one answer together and judges whether they are sound; pure.
///
///     head ─► body … ─► end     taken
///     100, 103 … (few)          skipped
///     anything else             broken: 502, and the connection is not used again
struct ResponseAssembly {
    enum Outcome {
        case more
        case finished(UpstreamResponse, reusable: Bool)
        case failed(UpstreamFailure)
    }

    private let target: UpstreamTarget
    private let bodyLimit: Int
    private var head: HTTPResponseHead?
    private var body = ByteBuffer()
    private var interim = 0

    /// Interim answers a server may send before the answer.
    private static let interimLimit = 8

    init(target: UpstreamTarget, bodyLimit: Int) {
        self.target = target
        self.bodyLimit = bodyLimit
    }

    /// Whether nothing of an answer has come yet.
    var isEmpty: Bool { head == nil && interim == 0 }

    mutating func take(_ part: HTTPClientResponsePart) -> Outcome {
        switch part {
        case .head(let head): take(head)
        case .body(let piece): take(piece)
        case .end: end()
        }
    }

    private mutating func take(_ head: HTTPResponseHead) -> Outcome {
        guard self.head == nil else { return broken("two heads") }
        guard (100..<600).contains(head.status.code) else { return broken("no status of HTTP") }
        if head.status.code == 101 { return broken("an upgrade that nobody asked for") }
        if head.status.code < 200 {
            interim += 1
            return interim > Self.interimLimit ? broken("too many interim answers") : .more
        }
        let lengths = head.headers["content-length"]
        let codings = head.headers["transfer-encoding"]
        guard lengths.count + codings.count <= 1 else { return broken("two lengths") }
        if let coding = codings.first, coding.lowercased() != "chunked" {
            return broken("an unknown transfer coding")
        }
        if let text = lengths.first {
            guard !text.isEmpty, text.count < 19, text.utf8.allSatisfy({ $0 &- 0x30 < 10 }),
                let length = Int(text)
            else { return broken("a length that is no number") }
            if length > bodyLimit { return .failed(.init(.tooLarge)) }
        }
        let isClean = head.headers.allSatisfy { name, value in
            name.utf8.allSatisfy { ByteClass.of($0).contains(.token) }
                && value.utf8.allSatisfy { ByteClass.of($0).contains(.fieldValue) }
        }
        guard isClean else { return broken("a malformed field") }
        self.head = head
        return .more
    }

    private mutating func take(_ piece: ByteBuffer) -> Outcome {
        guard let head else { return interim > 0 ? .more : broken("a body without a head") }
        if head.status == .noContent || head.status == .notModified {
            return broken("a body where there is none")
        }
        guard body.readableBytes + piece.readableBytes <= bodyLimit else {
            return .failed(.init(.tooLarge))
        }
        if body.readableBytes == 0 { body = piece } else { body.writeImmutableBuffer(piece) }
        return .more
    }

    private mutating func end() -> Outcome {
        guard let head else { return interim > 0 ? .more : broken("an end without a head") }
        let isDelimited =
            head.headers.contains(name: "content-length")
            || head.headers.contains(name: "transfer-encoding")
            || head.status == .noContent || head.status == .notModified
        let response = UpstreamResponse(
            status: Int(head.status.code), fields: head.headers, body: body, target: target)
        return .finished(response, reusable: isDelimited && head.isKeepAlive)
    }

    private func broken(_ detail: String) -> Outcome {
        .failed(.init(.broken, detail))
    }
}
