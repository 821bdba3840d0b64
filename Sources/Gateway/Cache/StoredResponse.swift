package import NIOCore
import Timekeeping

/// A complete answer, with its head rendered once, so that sending it is copying it.
///
/// The head ends before the fields that differ from one sending to the next: `Age`,
/// `Cache-Status` (both written by `writeHead`), the request's own fields and the empty line,
/// which the caller adds.
package final class StoredResponse: Sendable {
    /// The status code.
    package let status: Int
    /// Status line and fields, each with its line end.
    package let head: ByteBuffer
    /// The same for a 304 answer; nil if this answer has no validator.
    package let notModifiedHead: ByteBuffer?
    /// The body.
    ///
    /// A HEAD request gets the same head without it.
    package let body: ByteBuffer
    /// The entity tag with its quotes, the origin's or made from the body.
    package let entityTag: String?
    /// `Last-Modified` in seconds since 1970.
    package let lastModified: Int64?

    /// What the answer tells about, with the generations it was filled under.
    let guards: [TagGuard]
    /// When its age was zero.
    let born: Moment
    /// When its life ends; a moment in the past for an answer that must not be stored.
    let expires: Moment

    init(
        rendering: RenderedResponse, guards: [TagGuard], born: Moment, expires: Moment
    ) {
        status = rendering.status
        head = rendering.head
        notModifiedHead = rendering.notModifiedHead
        body = rendering.body
        entityTag = rendering.entityTag
        lastModified = rendering.lastModified
        self.guards = guards
        self.born = born
        self.expires = expires
    }

    /// The answer's tags.
    package var tags: [CacheTag] { guards.map(\.tag) }

    /// Seconds since the answer was made.
    package func age(at moment: Moment) -> Int {
        max(0, Int((moment.nanoseconds - born.nanoseconds) / 1_000_000_000))
    }

    /// Seconds the answer stays fresh; zero or less once it is not.
    package func remainingLife(at moment: Moment) -> Int {
        Int((expires.nanoseconds - moment.nanoseconds) / 1_000_000_000)
    }

    func isFresh(at moment: Moment) -> Bool { moment < expires }

    /// Writes the head with `Age` and `Cache-Status`, without the empty line that ends it.
    package func writeHead(into buffer: inout ByteBuffer, status: CacheStatus, at moment: Moment) {
        buffer.writeImmutableBuffer(head)
        writeCacheFields(into: &buffer, status: status, at: moment)
    }

    /// Writes the head of a 304 answer; does nothing for an answer without a validator.
    package func writeNotModifiedHead(
        into buffer: inout ByteBuffer, status: CacheStatus, at moment: Moment
    ) {
        guard let notModifiedHead else { return }
        buffer.writeImmutableBuffer(notModifiedHead)
        writeCacheFields(into: &buffer, status: status, at: moment)
    }

    private func writeCacheFields(
        into buffer: inout ByteBuffer, status: CacheStatus, at moment: Moment
    ) {
        let age = age(at: moment)
        if status == .hit {
            return CacheStatus.writeHit(
                into: &buffer, age: age, lifetime: max(0, remainingLife(at: moment)))
        }
        if age > 0 || status.forwarded == nil {
            buffer.writeStaticString("Age: ")
            buffer.writeDecimal(age)
            buffer.writeStaticString("\r\n")
        }
        let isKept = status.forwarded == nil || status.isStored
        status.write(into: &buffer, lifetime: isKept ? max(0, remainingLife(at: moment)) : nil)
    }

    /// Whether a conditional request already has this answer (RFC 9110 section 13.2.2).
    ///
    /// - Parameters:
    ///   - ifNoneMatch: the field's value; several fields joined with commas.
    ///   - ifModifiedSince: counts only without the other.
    package func isNotModified(ifNoneMatch: String?, ifModifiedSince: String? = nil) -> Bool {
        guard status == 200, notModifiedHead != nil else { return false }
        if let ifNoneMatch {
            return matches(ifNoneMatch)
        }
        guard let ifModifiedSince, let lastModified,
            let since = HTTPDate.seconds(ifModifiedSince)
        else { return false }
        return lastModified <= since
    }

    /// Compares weakly: `W/` says nothing here.
    private func matches(_ ifNoneMatch: String) -> Bool {
        guard let entityTag else { return false }
        if ifNoneMatch == entityTag || ifNoneMatch == "*" { return true }
        let own = StoredResponse.opaque(Substring(entityTag))
        var rest = Substring(ifNoneMatch)
        while let open = rest.firstIndex(of: "\"") {
            let inside = rest[rest.index(after: open)...]
            guard let close = inside.firstIndex(of: "\"") else { return false }
            if rest[open...close] == own { return true }
            rest = inside[inside.index(after: close)...]
        }
        return false
    }

    private static func opaque(_ entityTag: Substring) -> Substring {
        entityTag.hasPrefix("W/") ? entityTag.dropFirst(2) : entityTag
    }
}

/// A tag of an answer and the generation seen before the guarded part was fetched.
struct TagGuard: Hashable, Sendable {
    var tag: CacheTag
    /// Nil when the second level could not be asked: such an answer stays in this process.
    var generation: UInt64?
}
