/// One service's part in its sagas: its steps, and the sagas' life if it begins them.
///
/// A declaration does nothing by itself; a runtime validates it and runs it.
public struct Participant: Sendable {
    /// The service's name: the owner of its events, the name of its consumer groups, and the
    /// hash tag of its keys.
    public let name: String
    /// The name of the sagas' route, the same for all who take part: `order`.
    ///
    /// It is part of idempotency keys: never change it while sagas run.
    public let route: String
    /// Its steps, in their order of declaration.
    public let steps: [Step]
    /// The life of the sagas that it begins.
    public var lifecycle: Lifecycle? { lifecycles.first }

    let lifecycles: [Lifecycle]
    /// The events by which it hears of the end of a saga, and does nothing else.
    package let ends: [(kind: EventKind, news: SagaEnd.News)]
    /// The route that it was made for, if it was.
    let madeFor: Route?
    /// What does not fit between the route and the parts declared for it.
    let routeFaults: [String]

    /// What it does on other routes.
    package private(set) var further: [Participant] = []

    /// Whether it hears of the end of each saga: only a route says by which events.
    package var hearsEnds: Bool { madeFor != nil }

    /// Declares a participant.
    public init(
        _ name: String, route: String = "saga",
        @ParticipantBuilder parts: () -> [any ParticipantPart]
    ) {
        let parts = parts()
        self.name = name
        self.route = route
        steps = parts.compactMap { $0 as? Step }
        lifecycles = parts.compactMap { $0 as? Lifecycle }
        madeFor = nil
        ends = []
        routeFaults = parts.compactMap { part in
            switch part {
            case let part as Perform: "\(part.leg.step) belongs to a route, which is not given"
            case is Oversee: "what oversees a route belongs to one, which is not given"
            default: nil
            }
        }
    }

    /// Declares a participant of a route: what it does on its legs, and nothing else.
    ///
    /// A leg of its own that is left out, and one that is not its own, are faults.
    public init(
        _ route: Route, _ name: String, @ParticipantBuilder parts: () -> [any ParticipantPart]
    ) {
        let assignment = RouteAssignment(route, name, parts())
        self.name = name
        self.route = route.name
        steps = assignment.steps
        lifecycles = assignment.lifecycles
        madeFor = route
        ends = route.ends(heardBy: name)
        routeFaults = assignment.faults
    }

    mutating func leaveFurther() { further = [] }

    /// Declares what the participant does on the legs of another route, whose sagas it does not
    /// begin.
    ///
    ///     let payments = Participant(OrderSaga.route, "payment") { Perform(OrderSaga.charge) … }
    ///         .also(on: SubscriptionSaga.route) { Perform(SubscriptionSaga.charge) … }
    ///
    /// Sagas of different routes may have the same ID: they have nothing in common. Events that
    /// the routes share are told apart by their attribute `route`; one without it is of the first.
    /// What is declared first stays so while sagas run: their ledgers have no route in their
    /// names.
    public func also(
        on route: Route, @ParticipantBuilder parts: () -> [any ParticipantPart]
    ) -> Participant {
        var participant = self
        participant.further.append(Participant(route, name, parts: parts))
        return participant
    }
}

/// What a participant is made of: steps and a lifecycle, or what it does on a route.
public protocol ParticipantPart: Sendable {}

extension Step: ParticipantPart {}
extension Lifecycle: ParticipantPart {}

/// Gathers the parts of a participant.
@resultBuilder
public enum ParticipantBuilder {
    /// One part.
    public static func buildExpression(_ part: some ParticipantPart) -> [any ParticipantPart] {
        [part]
    }

    /// All parts of a block.
    public static func buildBlock(_ parts: [any ParticipantPart]...) -> [any ParticipantPart] {
        parts.flatMap { $0 }
    }

    /// The parts of an `if` without `else`.
    public static func buildOptional(_ parts: [any ParticipantPart]?) -> [any ParticipantPart] {
        parts ?? []
    }

    /// The parts of the first branch.
    public static func buildEither(first: [any ParticipantPart]) -> [any ParticipantPart] { first }

    /// The parts of the second branch.
    public static func buildEither(second: [any ParticipantPart]) -> [any ParticipantPart] {
        second
    }
}
