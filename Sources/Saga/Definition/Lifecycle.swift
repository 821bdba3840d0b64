/// The life of a saga, kept by the participant that begins it.
///
///     absent ──begin──▶ pending ──pivot──▶ completed
///                          │
///                          │ a failure, a request, the deadline
///                          ▼
///                     cancelling ──all awaited have answered──▶ cancelled
///
/// The participant's own transition to `completed` is the pivot: it alone decides between both
/// ends, so nothing that is under way elsewhere can contradict it. Answers that come before
/// the saga is cancelling are remembered. `LifecycleMachine` holds the rules.
///
/// Each arrow is an event: so who keeps answers about a saga, as a gateway's cache does, can hear
/// of each change. To `cancelling` it needs no declaration: see ``cancelling(_:)``.
public struct Lifecycle: Sendable {
    package struct Completion: Sendable {
        /// What the pivot waits for: all of them.
        package var triggers: [EventKind]
        package var emits: EventKind
        package var decode: Step.JoinedDecoder
        /// What is said in place of some of them, by their types, by legs that are not needed.
        package var substitutes: [String: EventKind] = [:]
    }

    package struct Cancellation: Sendable {
        package var trigger: EventKind
        package var awaiting: [String]
        package var failure: @Sendable (_ data: [UInt8]) throws(SagaError) -> BusinessFailure
    }

    package struct Request: Sendable {
        package var emits: EventKind
        package var awaiting: [String]
        package var announce: Notice
    }

    package typealias Notice =
        @Sendable (BusinessFailure, StepContext) async throws -> PlannedTransition

    package let begins: EventKind
    package let deadline: Duration?
    package let answers: [String: [EventKind]]
    package internal(set) var completions: [Completion] = []
    package internal(set) var cancellations: [Cancellation] = []
    package internal(set) var requests: [Request] = []
    /// By which events participants ask what is to become of what they hold.
    package internal(set) var unclaimed: [RouteUnclaimed] = []
    /// Who has books to look into.
    package var keepers: Set<String> { Set(unclaimed.map(\.kind.owner)) }
    package internal(set) var cancelling: Notice?
    package internal(set) var cancelled: (emits: EventKind, announce: Notice)?
    /// The events that say that a saga has ended.
    package var ends: [EventKind] {
        completions.map(\.emits) + (cancelled.map { [$0.emits] } ?? [])
    }
    /// With which route a saga begins now; nil if it is given none.
    package let routeNote: RouteNote?
    /// Who takes part in sagas of before alone.
    package let former: Set<String>
    /// Who has to say that it has finished once a saga went through.
    package let finishers: [String]
    /// What those are asked who have to answer, and who have to finish; without whom nobody knows.
    package let questions: [String: LifecycleQuestion]
    package let finishQuestions: [String: LifecycleQuestion]

    /// Whether one of its sagas can ever be cancelling.
    package var canBeCancelling: Bool { !cancellations.isEmpty || !requests.isEmpty }

    /// Declares a life.
    ///
    /// - Parameters:
    ///   - first: the event with which a saga begins.
    ///   - deadline: a saga still pending after this long is cancelled as if a client asked.
    ///   - answers: by the name of each participant that can be awaited, the events that tell
    ///     that nothing of its step is left: its compensation's answer and its failure.
    public init(
        begins first: (some SagaEvent).Type,
        deadline: Duration? = nil,
        answers: [String: [any SagaEvent.Type]]
    ) {
        begins = EventKind(first)
        self.deadline = deadline
        self.answers = answers.mapValues { kinds in kinds.map { EventKind($0) } }
        routeNote = nil
        former = []
        finishers = []
        questions = [:]
        finishQuestions = [:]
    }

    /// The life of a route's sagas, with nothing in it that an owner has to say for himself.
    init(_ route: Route, deadline: Duration?) {
        begins = route.ends.begins
        self.deadline = deadline
        answers = route.answers
        routeNote = RouteNote(route)
        former = Set(route.former.map(route.answerer))
        finishers = route.reports.map(\.name)
        questions = route.questions
        finishQuestions = route.finishQuestions
        unclaimed = route.legs.compactMap(\.unclaimed)
        cancellations = route.legs.map {
            Cancellation(
                trigger: $0.failure, awaiting: route.awaited(after: $0), failure: $0.reason)
        }
    }

    /// Declares the pivot: on this event a pending saga is completed.
    public func completes<Input: SagaEvent, Output: SagaEvent>(
        on trigger: Input.Type,
        emits output: Output.Type,
        _ complete: @escaping @Sendable (Input, StepContext) async throws -> Transition<Output>
    ) -> Lifecycle {
        var lifecycle = self
        let kind = EventKind(output)
        lifecycle.completions.append(
            Completion(
                triggers: [EventKind(trigger)], emits: kind,
                decode: Step.decoder(JoinedPayloadReader.only, complete)))
        return lifecycle
    }

    /// Declares a failure that cancels a pending saga, once all of `awaiting` have answered.
    public func cancels<Failure: FailureEvent>(
        on trigger: Failure.Type, awaiting: [String]
    ) -> Lifecycle {
        var lifecycle = self
        lifecycle.cancellations.append(
            Cancellation(
                trigger: EventKind(trigger), awaiting: awaiting,
                failure: { data throws(SagaError) in
                    try EventPayload.decode(Failure.self, from: data).failure
                }))
        return lifecycle
    }

    /// Declares what a client's request, or the deadline, makes of a pending saga: everyone in
    /// `awaiting` is told by the event and has to answer.
    public func cancelsOnRequest<Output: SagaEvent>(
        awaiting: [String],
        emits output: Output.Type,
        _ announce:
            @escaping @Sendable (BusinessFailure, StepContext) async throws -> Transition<Output>
    ) -> Lifecycle {
        var lifecycle = self
        lifecycle.requests.append(
            Request(
                emits: EventKind(output), awaiting: awaiting,
                announce: { try PlannedTransition(await announce($0, $1)) }))
        return lifecycle
    }

    /// Declares what changes when a saga stops being pending to be cancelled.
    ///
    /// With it goes an event, declared or not, whose type is made of the owner's name:
    /// `OrderCancelling` of `order`. It has the members `reason` and `detail`, and the saga waits
    /// for nobody who consumes it. A saga that is cancelled at once tells of its end alone: then
    /// this is applied before what `cancelled` changes, in the same transition.
    public func cancelling(
        _ note: @escaping @Sendable (BusinessFailure, StepContext) async throws -> Changes
    ) -> Lifecycle {
        var lifecycle = self
        lifecycle.cancelling = { PlannedTransition(changes: try await note($0, $1)) }
        return lifecycle
    }

    /// Declares the end of a cancelled saga; the failure is the one that it began with.
    public func cancelled<Output: SagaEvent>(
        emits output: Output.Type,
        _ announce:
            @escaping @Sendable (BusinessFailure, StepContext) async throws -> Transition<Output>
    ) -> Lifecycle {
        var lifecycle = self
        let notice: Notice = { try PlannedTransition(await announce($0, $1)) }
        lifecycle.cancelled = (EventKind(output), notice)
        return lifecycle
    }
}
