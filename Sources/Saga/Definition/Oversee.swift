/// What the owner of a route does at the turning points of a saga.
///
///     Oversee(TripSaga.owner, deadline: .seconds(30)) { booked, context in
///         Transition(TripBooked()) { $0.set("trip:\(context.sagaID)", ["status": "booked"]) }
///     }
///
/// It says by itself that a saga is to be cancelled, when the time is up or somebody asks, and
/// that it is, once all who take part have answered. `Lifecycle` has the rules.
public struct Oversee: ParticipantPart {
    private let ends: RouteEnds
    private let deadline: Duration?
    private let decode: Step.JoinedDecoder
    private let request: Lifecycle.Notice
    private let makeCancelled: @Sendable (BusinessFailure, Changes) throws -> PlannedTransition
    private var note: Note?
    private var cancelledChanges: Note?

    /// What else changes, for the reason why the saga is cancelled.
    public typealias Note =
        @Sendable (_ reason: BusinessFailure, StepContext) async throws -> Changes

    /// Declares the pivot, and how long a saga may take.
    ///
    /// - Parameters:
    ///   - deadline: a saga still pending after this long is cancelled as if a client asked.
    ///   - complete: makes the event that completes a saga, from all that the pivot waits for.
    public init<Pivot, Completed, Cancelled, Requested>(
        _ owner: RouteOwner<Pivot, Completed, Cancelled, Requested>, deadline: Duration? = nil,
        complete: @escaping @Sendable (Pivot, StepContext) async throws -> Transition<Completed>
    ) {
        ends = owner.content
        self.deadline = deadline
        decode = Step.decoder(owner.read, complete)
        request = { reason, _ in try PlannedTransition(Transition(Requested(reason))) }
        makeCancelled = { try PlannedTransition(Transition(Cancelled($0), changes: $1)) }
    }

    /// Declares what changes when a saga stops being pending to be cancelled.
    ///
    /// With it goes an event, declared or not, whose type is made of the owner's name:
    /// `OrderCancelling` of `order`. It has the members `reason` and `detail`, and the saga waits
    /// for nobody who consumes it. A saga that is cancelled at once tells of its end alone: then
    /// this is applied before what `cancelled` changes, in the same transition.
    public func cancelling(_ note: @escaping Note) -> Oversee {
        var part = self
        part.note = note
        return part
    }

    /// Declares what changes when a saga is cancelled; the reason is the one it began with.
    public func cancelled(_ note: @escaping Note) -> Oversee {
        var part = self
        part.cancelledChanges = note
        return part
    }

    /// What does not fit between the route and its overseer.
    func faults(on route: Route) -> [String] {
        RouteDigest.line(ends) == RouteDigest.line(route.ends)
            ? [] : ["it oversees another route than '\(route.name)'"]
    }

    /// The life that it gives to the sagas of a route.
    func lifecycle(of route: Route) -> Lifecycle {
        var lifecycle = Lifecycle(route, deadline: deadline)
        lifecycle.completions = [
            Lifecycle.Completion(
                triggers: ends.pivot, emits: ends.completed, decode: decode,
                substitutes: route.substitutes(for: ends.pivot))
        ]
        lifecycle.requests = [
            Lifecycle.Request(
                emits: ends.request, awaiting: route.awaitedOnRequest, announce: request)
        ]
        if let note { lifecycle = lifecycle.cancelling(note) }
        let (makeCancelled, changes) = (makeCancelled, cancelledChanges)
        let announce: Lifecycle.Notice = { reason, context in
            try makeCancelled(reason, try await changes?(reason, context) ?? Changes())
        }
        lifecycle.cancelled = (ends.cancelled, announce)
        return lifecycle
    }
}
