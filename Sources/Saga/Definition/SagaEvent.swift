/// The payload of one kind of event, and who owns it.
///
/// A payload is a `Codable` struct whose JSON is an object. Its fields are the contract between
/// services: add optional ones freely, raise `version` for anything else.
public protocol SagaEvent: Codable, LegTrigger {
    /// The service that emits the event, and so owns its stream: `payment`.
    static var owner: String { get }
    /// The name of the event in streams and channels; the Swift type's name if not given.
    static var type: String { get }
    /// The version of the payload. A consumer takes its own version and all earlier ones.
    static var version: Int { get }
}

extension SagaEvent {
    /// The Swift type's name.
    public static var type: String { String(describing: Self.self) }
    /// The first version.
    public static var version: Int { 1 }
}

/// An event that says why: a failure, a request to cancel, a cancelled end.
public protocol ReasonEvent: SagaEvent {
    /// Why, as a code in snake case: `card_declined`.
    var reason: String { get }
    /// Why, for a person.
    var detail: String { get }

    /// The event for a reason, with nothing else in it.
    init(reason: String, detail: String)
}

extension ReasonEvent {
    init(_ failure: BusinessFailure) {
        self.init(reason: failure.reason, detail: failure.detail)
    }
}

/// An event that says why a saga cannot go on.
public protocol FailureEvent: ReasonEvent {}

extension FailureEvent {
    /// The failure that the event reports.
    public var failure: BusinessFailure { BusinessFailure(reason, detail) }
}

/// An event that says that a step is undone, whether there was anything to undo or not.
public protocol UndoneEvent: SagaEvent {
    /// That there was nothing to undo.
    init()
}

/// An event that says that a leg was not needed, in place of its success.
public protocol SkippedEvent: SagaEvent {
    /// That it was not needed.
    init()
}

/// An event by which a participant asks the owner of a saga what is to become of something that
/// it holds outside, and that none of its ledgers knows.
///
/// Its time is when that was made, and not when it was found.
public protocol UnclaimedEvent: SagaEvent {
    /// The key under which it stands.
    var key: String { get }
    /// Whether it stands for good, and cannot be taken back.
    var isFinal: Bool { get }
    /// How often its owner has been asked about it, this time included; 0 if this is the answer to
    /// what the owner asked.
    var count: Int { get }

    /// The question about what stands under a key, or the answer.
    init(key: String, isFinal: Bool, count: Int)
}

/// Stands where a leg has no event.
public struct NoEvent: SagaEvent {
    /// Nobody.
    public static let owner = ""

    /// Nothing.
    public init() {}
}
