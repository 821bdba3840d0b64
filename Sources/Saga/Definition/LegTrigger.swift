/// What a leg, or the pivot, can wait for: an event, or one in whose place nothing may come.
///
///     on: ProductReserved.self       it is always said
///     on: ShipmentArranged?.self     nil if the leg that says it was not needed
///
/// Every `SagaEvent` is one, and `Optional` of each; nothing has to be written for it.
public protocol LegTrigger: Sendable {
    /// Which event it is.
    static var awaited: AwaitedEvent { get }

    /// Reads what has come.
    static func read(_ payload: AwaitedPayload) throws(SagaError) -> Self
}

/// An event that is waited for.
public struct AwaitedEvent: Sendable {
    package let kind: EventKind
    /// Whether what waits for it goes on without, if the leg that says it was not needed.
    package let mayLack: Bool

    /// The types of those that may not be said.
    static func lacking(_ all: [AwaitedEvent]) -> Set<String> {
        Set(all.filter(\.mayLack).map(\.kind.type))
    }
}

/// What has come of an event that is waited for.
public struct AwaitedPayload: Sendable {
    package let text: [UInt8]

    /// What stands for an event that is not said, as its leg was not needed.
    ///
    /// The payload of an event is always an object.
    package static let nothing = Array("null".utf8)
}

extension SagaEvent {
    /// The event.
    public static var awaited: AwaitedEvent {
        AwaitedEvent(kind: EventKind(Self.self), mayLack: false)
    }

    /// Reads its payload.
    public static func read(_ payload: AwaitedPayload) throws(SagaError) -> Self {
        try EventPayload.decode(Self.self, from: payload.text)
    }
}

extension Optional: LegTrigger where Wrapped: SagaEvent {
    /// The event that may not be said.
    public static var awaited: AwaitedEvent {
        AwaitedEvent(kind: EventKind(Wrapped.self), mayLack: true)
    }

    /// Reads its payload; nil if its leg was not needed.
    public static func read(_ payload: AwaitedPayload) throws(SagaError) -> Wrapped? {
        if payload.text == AwaitedPayload.nothing { return nil }
        return try Wrapped.read(payload)
    }
}
