public import Timekeeping

/// One CloudEvents 1.0 event in structured mode.
///
/// The payload stays the text it came as; who knows its type decodes it, once.
/// `init(json:)` and `json()` are in `CloudEvent+Scanning` and `CloudEvent+Writing`.
public struct CloudEvent: Hashable, Sendable {
    /// Unique among all events; a UUIDv7, so that IDs sort by the time they were made.
    public var id: String
    /// Who emits the event, `/payment`.
    public var source: String
    /// What happened, `PaymentProcessed`.
    public var type: String
    /// What it happened to: the saga ID.
    public var subject: String
    /// When it happened, in milliseconds since 1970.
    public var time: Int64
    /// The saga to which the event belongs.
    public var correlationID: String
    /// The event that caused this one, if any.
    public var causationID: String?
    /// W3C trace context of the work that emitted it, if any.
    public var traceparent: String?
    /// `choreography` or `orchestration`; absent for events outside a saga.
    public var coordination: String?
    /// The saga's route, by whose name idempotency keys are made; absent in events of versions that
    /// knew none, and outside a saga.
    public var route: String?
    /// The payload's version, which stands in the text only when it is above 1.
    public var dataVersion: Int
    /// The payload: the text of one JSON object.
    public var data: [UInt8]

    /// Makes an event as its emitter does.
    ///
    /// - Parameters:
    ///   - time: milliseconds since 1970; now if left out.
    ///   - data: the text of one JSON object. It is taken as it is.
    public init(
        id: String = UUIDv7.next(),
        source: String,
        type: String,
        subject: String,
        time: Int64 = SystemTime.milliseconds(),
        correlationID: String? = nil,
        causationID: String? = nil,
        traceparent: String? = nil,
        coordination: String? = nil,
        route: String? = nil,
        dataVersion: Int = 1,
        data: [UInt8]
    ) {
        self.id = id
        self.source = source
        self.type = type
        self.subject = subject
        self.time = time
        self.correlationID = correlationID ?? subject
        self.causationID = causationID
        self.traceparent = traceparent
        self.coordination = coordination
        self.route = route
        self.dataVersion = dataVersion
        self.data = data
    }
}
