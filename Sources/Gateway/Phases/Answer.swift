import NIOCore
import Timekeeping

/// What is to be sent for one request, before it is known how the connection goes on.
struct Answer: Sendable {
    enum Content: Sendable {
        /// From the cache, or on its way into it.
        case stored(StoredResponse)
        /// For this request alone.
        case own(RenderedResponse)
    }

    let content: Content
    /// What the cache did, on routes that go to an upstream.
    var cacheStatus: CacheStatus?
    /// The server that was asked, if exactly one was.
    var upstream: String?

    init(_ content: Content, cacheStatus: CacheStatus? = nil, upstream: String? = nil) {
        self.content = content
        self.cacheStatus = cacheStatus
        self.upstream = upstream
    }

    /// An answer to one request, rendered from its parts.
    init(
        _ fetched: FetchedResponse, cacheStatus: CacheStatus? = nil, upstream: String? = nil
    ) {
        let rendered = RenderedResponse(
            fetched, isKept: false, isPassedOn: true, wallSeconds: SystemTime.seconds())
        self.init(.own(rendered), cacheStatus: cacheStatus, upstream: upstream)
    }

    init(_ problem: GatewayProblem, requestName: String?) {
        self.init(problem.response(requestName: requestName))
    }
}

/// Writes an answer as it goes over the wire.
struct AnswerWriter {
    /// What of the request shapes the answer.
    struct Frame {
        var isHead: Bool
        var keepsAlive: Bool
        var minorVersion: UInt8
        var ifNoneMatch: String?
    }

    /// Writes head and body, and returns the status that went out.
    ///
    /// - Parameter writeName: writes the request's name.
    static func write(
        _ answer: Answer, _ frame: Frame, at moment: Moment, into queue: inout AnswerQueue,
        writeName: (inout ByteBuffer) -> Void
    ) -> Int {
        switch answer.content {
        case .stored(let response):
            return write(
                response, answer.cacheStatus ?? .hit, frame, at: moment, into: &queue,
                writeName: writeName)
        case .own(let response):
            queue.tail.writeImmutableBuffer(response.head)
            answer.cacheStatus?.write(into: &queue.tail, lifetime: nil)
            writeEnd(frame, into: &queue.tail, writeName: writeName)
            if !frame.isHead { queue.append(body: response.body, isHeld: true) }
            return response.status
        }
    }

    /// The same for what the cache keeps; the whole of what a hit costs to write.
    static func write(
        _ response: StoredResponse, _ status: CacheStatus, _ frame: Frame, at moment: Moment,
        into queue: inout AnswerQueue, writeName: (inout ByteBuffer) -> Void
    ) -> Int {
        if let ifNoneMatch = frame.ifNoneMatch, response.isNotModified(ifNoneMatch: ifNoneMatch) {
            response.writeNotModifiedHead(into: &queue.tail, status: status, at: moment)
            writeEnd(frame, into: &queue.tail, writeName: writeName)
            return 304
        }
        queue.tail.reserveCapacity(
            minimumWritableBytes: response.head.readableBytes
                + AnswerQueue.copied(response.body.readableBytes) + 256)
        response.writeHead(into: &queue.tail, status: status, at: moment)
        writeEnd(frame, into: &queue.tail, writeName: writeName)
        if !frame.isHead {
            let isKept = status.forwarded == nil || status.isStored
            queue.append(body: response.body, isHeld: !isKept)
        }
        return response.status
    }

    private static func writeEnd(
        _ frame: Frame, into buffer: inout ByteBuffer, writeName: (inout ByteBuffer) -> Void
    ) {
        buffer.writeStaticString("Via: 1.1 troupe\r\nX-Request-Id: ")
        writeName(&buffer)
        if !frame.keepsAlive {
            buffer.writeStaticString("\r\nConnection: close\r\n\r\n")
        } else if frame.minorVersion == 0 {
            buffer.writeStaticString("\r\nConnection: keep-alive\r\n\r\n")
        } else {
            buffer.writeStaticString("\r\n\r\n")
        }
    }
}
