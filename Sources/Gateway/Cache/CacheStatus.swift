package import NIOCore

/// What the cache did for one request, as RFC 9211 tells it in `Cache-Status`.
package struct CacheStatus: Hashable, Sendable {
    /// Why a request went on to the upstream.
    package enum Reason: String, Sendable {
        /// Nothing was stored for this address.
        case uriMiss = "uri-miss"
        /// Something is stored for this address, not for these request fields.
        case varyMiss = "vary-miss"
        /// What was stored was too old or had been taken away.
        case stale
        /// The route or the request does not take part in caching.
        case bypass
        /// The client asked for a fresh answer.
        case request
        /// The method is not one that is cached.
        case method
    }

    /// Nil for a hit.
    package var forwarded: Reason?
    /// Whether the answer was stored.
    package var isStored = false
    /// Whether the request shared another one's way to the upstream.
    package var isCollapsed = false
    /// One token more, for people (`redis`, `set-cookie`, `suspended`).
    package var detail: String?

    /// The answer came from the process's own memory.
    package static var hit: CacheStatus { CacheStatus() }

    /// The answer came from the second level.
    package static var secondLevelHit: CacheStatus { CacheStatus(detail: "redis") }

    /// The request went on to the upstream.
    package static func forwarded(_ reason: Reason, detail: String? = nil) -> CacheStatus {
        CacheStatus(forwarded: reason, detail: detail)
    }

    /// One word for logs and metrics: `hit`, `hit_redis`, `collapsed`, `miss` or `bypass`.
    package var outcome: String {
        if isCollapsed { return "collapsed" }
        switch forwarded {
        case nil: return detail == nil ? "hit" : "hit_redis"
        case .bypass, .method, .request: return "bypass"
        case .uriMiss, .varyMiss, .stale: return "miss"
        }
    }

    /// Writes `Age` and the `Cache-Status` of a hit in as few steps as can be: most answers take
    /// this way.
    static func writeHit(into buffer: inout ByteBuffer, age: Int, lifetime: Int) {
        buffer.writeStaticString("Age: ")
        buffer.writeDecimal(age)
        buffer.writeStaticString("\r\nCache-Status: troupe; hit; ttl=")
        buffer.writeDecimal(lifetime)
        buffer.writeStaticString("\r\n")
    }

    /// Writes the field `Cache-Status`, line end included.
    ///
    /// - Parameter lifetime: the seconds that a stored answer still has to live.
    package func write(into buffer: inout ByteBuffer, lifetime: Int?) {
        buffer.writeStaticString("Cache-Status: troupe")
        if let forwarded {
            buffer.writeStaticString("; fwd=")
            buffer.writeString(forwarded.rawValue)
            if isStored { buffer.writeStaticString("; stored") }
            if isCollapsed { buffer.writeStaticString("; collapsed") }
        } else {
            buffer.writeStaticString("; hit")
        }
        if let lifetime {
            buffer.writeStaticString("; ttl=")
            buffer.writeDecimal(lifetime)
        }
        if let detail {
            buffer.writeStaticString("; detail=")
            buffer.writeString(detail)
        }
        buffer.writeStaticString("\r\n")
    }
}

extension ByteBuffer {
    /// Writes a number in ASCII digits without making a `String`.
    mutating func writeDecimal(_ number: Int) {
        if number < 0 { writeInteger(UInt8(ascii: "-")) }
        var rest = number.magnitude
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { space in
            var start = space.count
            repeat {
                start -= 1
                space[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            writeBytes(UnsafeRawBufferPointer(rebasing: space[start...]))
        }
    }
}
