import NIOHTTP1
import Observability

/// Which header fields go on to an upstream; pure.
///
///     client ─► hop-by-hop, framing, forged origin: dropped
///            ─► everything else, or on a shared fill only what the key holds: passed on
///     parts of an aggregate: without what asks for another form of the answer
///     gateway ─► X-Request-Id, traceparent, Via, and where the request came from: set
enum ForwardedFields {
    /// The request as the upstream is to see it.
    struct Origin {
        var requestName: String
        var traceparent: String?
        var peer: String
        var host: String?
    }

    /// Fields of one connection, of framing, and those by which a client could pretend to be
    /// another request than the one that was routed.
    private static let dropped: Set<String> = [
        "cf-connecting-ip", "connection", "content-length", "expect", "forwarded", "host",
        "http2-settings", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "traceparent", "trailer", "transfer-encoding",
        "true-client-ip", "upgrade", "via", "x-client-ip", "x-cluster-client-ip",
        "x-http-method", "x-http-method-override", "x-method-override", "x-original-host",
        "x-original-uri", "x-original-url", "x-real-ip", "x-request-id", "x-rewrite-url",
    ]

    /// Families of fields that only proxies set.
    private static let droppedPrefixes = ["x-forwarded-", "x-envoy-"]

    /// For a request whose answer goes to its client alone.
    static func own(_ head: RequestHead, origin: Origin) -> HTTPHeaders {
        let nominated = head.contains(.connection) ? nominated(head.joined("connection")) : []
        // The state of a trace means nothing beside another trace.
        let keepsTraceState = origin.traceparent.flatMap { TraceContext(traceparent: $0) } != nil
        var fields = HTTPHeaders()
        for (name, value) in head.allFields {
            let lowercased = name.lowercased()
            if isDropped(lowercased) || nominated.contains(lowercased) { continue }
            if lowercased == "tracestate" && !keepsTraceState { continue }
            fields.add(name: name, value: value)
        }
        name(origin, in: &fields)
        fields.add(name: "X-Forwarded-For", value: origin.peer)
        fields.add(name: "X-Forwarded-Proto", value: "http")
        if let host = origin.host { fields.add(name: "X-Forwarded-Host", value: host) }
        return fields
    }

    /// For a fill, whose answer others may be given: only what the key holds.
    static func shared(
        _ head: RequestHead, policy: CachePolicy, origin: Origin
    ) -> HTTPHeaders {
        var fields = HTTPHeaders()
        for name in policy.varyingFields where !isDropped(name) {
            if let value = head.joined(name) { fields.add(name: name, value: value) }
        }
        name(origin, in: &fields)
        return fields
    }

    /// For a part of an aggregate, a request of the gateway's own: what a client says about the
    /// form of the whole must not change the part's.
    static func part(_ fields: HTTPHeaders) -> HTTPHeaders {
        var kept = HTTPHeaders()
        for (name, value) in fields where !isOfTheWhole(name.lowercased()) {
            kept.add(name: name, value: value)
        }
        kept.add(name: "Accept", value: "application/json")
        return kept
    }

    private static func isOfTheWhole(_ name: String) -> Bool {
        name == "accept" || name == "accept-encoding" || name == "accept-charset"
            || name == "range" || name == "te" || name.hasPrefix("if-")
            || name.hasPrefix("content-")
    }

    /// Without what only counts for a GET that the client made (RFC 9110 section 14.2).
    static func forHead(_ fields: HTTPHeaders) -> HTTPHeaders {
        var fields = fields
        fields.remove(name: "range")
        fields.remove(name: "if-range")
        return fields
    }

    /// Whether a field of that lower-case name never goes on.
    ///
    /// Some servers take `_` in a name for `-`, and would read a framing field in what is none.
    static func isDropped(_ name: String) -> Bool {
        if name.utf8.contains(UInt8(ascii: "_")) {
            return isDropped(String(name.map { $0 == "_" ? "-" : $0 }))
        }
        return dropped.contains(name)
            || name.utf8.first == UInt8(ascii: "x")
                && droppedPrefixes.contains(where: name.hasPrefix)
    }

    private static func name(_ origin: Origin, in fields: inout HTTPHeaders) {
        let trace = origin.traceparent.flatMap { TraceContext(traceparent: $0) }
        fields.add(name: "X-Request-Id", value: origin.requestName)
        fields.add(name: "traceparent", value: (trace?.child() ?? TraceContext()).traceparent)
        fields.add(name: "Via", value: "1.1 troupe")
    }

    /// Names that `Connection` declares to be of this connection only.
    private static func nominated(_ connection: String?) -> Set<String> {
        Set((connection ?? "").split(separator: ",").map { $0.trimmingSpace().lowercased() })
    }
}
