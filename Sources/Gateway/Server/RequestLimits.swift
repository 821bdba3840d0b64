/// How much of a request is read before it is refused.
///
/// They bound what one connection can make the gateway hold: a head and a body at a time.
public struct RequestLimits: Sendable, Equatable {
    /// Bytes of the request line; more is answered with 414.
    public var requestLine = 8 * 1024
    /// Bytes of one header field; more is answered with 431.
    public var fieldLine = 8 * 1024
    /// Bytes of all header fields; more is answered with 431.
    public var fieldList = 32 * 1024
    /// Number of header fields; more is answered with 431.
    public var fieldCount = 100
    /// Bytes of the body; more is answered with 413.
    public var body = 1024 * 1024

    /// The limits that are documented beside each field.
    public init() {}
}
