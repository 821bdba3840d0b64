/// What a participant does on one of its legs.
///
///     Perform(TripSaga.hotel) { trip, context in
///         let room = try await agency.book(trip.city, key: context.idempotencyKey)
///         return Transition(HotelBooked(room: room.name))
///     } undo: { context in
///         try await agency.cancel(key: context.idempotencyKey)
///         return Transition(HotelCancelled())
///     }
///
/// `Step` has the rules for both blocks. When it fails its failure event goes out with the reason,
/// and when there is nothing to undo the undone event without content; neither has to be said.
public struct Perform: ParticipantPart {
    package let leg: RouteLeg
    private let giveUpAfter: Duration?
    private let atMost: Int?
    private let undoGiveUpAfter: Duration?
    private let decode: Step.JoinedDecoder
    private let company: OutsideCompany?
    private let unknown: Step.Unknown
    private let makeFailure: @Sendable (BusinessFailure, Changes) throws -> PlannedTransition
    /// Nil for a leg that has nothing to undo.
    private let undo: Undo?
    private var failureChanges: @Sendable (BusinessFailure, StepContext) throws -> Changes = {
        _, _ in Changes()
    }
    private var books: (any OutsideBooks)?
    private(set) var finishes: [(leg: RouteFinish, decode: Step.Decoder)] = []

    private struct Undo {
        var body: Step.Bound
        var nothing: Step.Bound

        init<Undone: UndoneEvent>(
            _ undo: @escaping @Sendable (StepContext) async throws -> Transition<Undone>
        ) {
            body = { try PlannedTransition(await undo($0)) }
            nothing = { _ in try PlannedTransition(Transition(Undone())) }
        }
    }

    private init<Input, Success, Failure, Undone>(
        _ leg: Leg<Input, Success, Failure, Undone>, _ giveUpAfter: Duration?,
        _ undoGiveUpAfter: Duration?, _ atMost: Int?, _ company: OutsideCompany?,
        _ unknown: UnknownOutcome<Input, Success>,
        _ perform: @escaping @Sendable (Input, StepContext) async throws -> Transition<Success>,
        _ undo: Undo?
    ) {
        self.leg = leg.content
        self.giveUpAfter = giveUpAfter
        self.undoGiveUpAfter = undoGiveUpAfter
        self.atMost = atMost
        self.company = company
        decode = Step.decoder(leg.read, perform)
        self.unknown = Step.unknown(unknown, leg.read)
        let failure = EventKind(Failure.self)
        makeFailure = { try PlannedTransition(Transition(Failure($0), changes: $1), failure) }
        self.undo = undo
    }

    /// Declares what is done on a leg, and how it is undone.
    ///
    /// - Parameters:
    ///   - giveUpAfter: how long it is tried before its outcome counts as unknown; if nil, what
    ///     the runtime's configuration says.
    ///   - undoGiveUpAfter: how long undoing is tried before the saga counts as blocked.
    ///   - atMost: how many of its blocks, undo and finish too, run at once in a process; if nil,
    ///     as many as events are worked on. `Step` has the rules.
    ///   - company: whom its blocks call, undo, finish and books too; if nil, they are not counted.
    ///   - unknown: what becomes of it if it has been tried for this long, and nobody knows whether
    ///     it has acted.
    ///   - perform: does the work; throws a `BusinessFailure` if it cannot be done.
    ///   - undo: undoes it.
    public init<Input, Success, Failure, Undone: UndoneEvent>(
        _ leg: Leg<Input, Success, Failure, Undone>, giveUpAfter: Duration? = nil,
        undoGiveUpAfter: Duration? = nil, atMost: Int? = nil,
        calls company: OutsideCompany? = nil,
        whenUnknown unknown: UnknownOutcome<Input, Success> = .compensate,
        perform: @escaping @Sendable (Input, StepContext) async throws -> Transition<Success>,
        undo: @escaping @Sendable (StepContext) async throws -> Transition<Undone>
    ) {
        self.init(
            leg, giveUpAfter, undoGiveUpAfter, atMost, company, unknown, perform, Undo(undo))
    }

    /// Declares what is done on a leg, and how it is undone with no change of records.
    ///
    /// The undone event goes out without content.
    public init<Input, Success, Failure, Undone: UndoneEvent>(
        _ leg: Leg<Input, Success, Failure, Undone>, giveUpAfter: Duration? = nil,
        undoGiveUpAfter: Duration? = nil, atMost: Int? = nil,
        calls company: OutsideCompany? = nil,
        whenUnknown unknown: UnknownOutcome<Input, Success> = .compensate,
        perform: @escaping @Sendable (Input, StepContext) async throws -> Transition<Success>,
        undo: @escaping @Sendable (StepContext) async throws -> Void
    ) {
        self.init(
            leg, giveUpAfter, undoGiveUpAfter, atMost, company, unknown, perform,
            Undo { context in
                try await undo(context)
                return Transition(Undone())
            })
    }

    /// Declares what is done on a leg, after what undoes it: for a function that has a name.
    public init<Input, Success, Failure, Undone: UndoneEvent>(
        _ leg: Leg<Input, Success, Failure, Undone>, giveUpAfter: Duration? = nil,
        undoGiveUpAfter: Duration? = nil, atMost: Int? = nil,
        calls company: OutsideCompany? = nil,
        whenUnknown unknown: UnknownOutcome<Input, Success> = .compensate,
        undo: @escaping @Sendable (StepContext) async throws -> Void,
        perform: @escaping @Sendable (Input, StepContext) async throws -> Transition<Success>
    ) {
        self.init(
            leg, giveUpAfter: giveUpAfter, undoGiveUpAfter: undoGiveUpAfter, atMost: atMost,
            calls: company, whenUnknown: unknown, perform: perform, undo: undo)
    }

    /// Declares what is done on a leg that has nothing to undo.
    public init<Input, Success, Failure>(
        _ leg: Leg<Input, Success, Failure, NoEvent>, giveUpAfter: Duration? = nil,
        atMost: Int? = nil, calls company: OutsideCompany? = nil,
        whenUnknown unknown: UnknownOutcome<Input, Success> = .compensate,
        perform: @escaping @Sendable (Input, StepContext) async throws -> Transition<Success>
    ) {
        self.init(leg, giveUpAfter, nil, atMost, company, unknown, perform, nil)
    }

    /// Declares what else changes when the leg has failed.
    ///
    /// - Parameter note: pure; it may be called again.
    public func onFailure(
        _ note: @escaping @Sendable (BusinessFailure, StepContext) throws -> Changes
    ) -> Perform {
        var part = self
        part.failureChanges = note
        return part
    }

    /// Declares whose books tell what the leg did outside.
    ///
    /// What they hold and no ledger of the participant knows, as after Redis has lost a moment, is
    /// looked for at the start and every minute. The owner of the saga is asked about it, and what
    /// belongs to a cancelled saga is undone.
    public func reconciled(with books: any OutsideBooks) -> Perform {
        var part = self
        part.books = books
        return part
    }

    /// Declares what completes the leg once its saga has passed the pivot, with its event.
    ///
    /// It is tried until it succeeds, and blocks the saga if it never does.
    public func finish<Input, Output>(
        _ leg: FinishingLeg<Input, Output>,
        _ finish: @escaping @Sendable (Input, StepContext) async throws -> Transition<Output>
    ) -> Perform {
        var part = self
        part.finishes.append((leg.content, Step.decoder(finish)))
        return part
    }

    /// Declares what completes the leg once its saga has passed the pivot, without an event.
    ///
    /// What it changes must not be kept by anybody else, as a gateway's cache: nobody hears of it.
    public func finish<Input>(
        _ leg: FinishingLeg<Input, NoEvent>,
        _ finish: @escaping @Sendable (Input, StepContext) async throws -> Changes
    ) -> Perform {
        var part = self
        part.finishes.append((leg.content, Step.silentDecoder(finish)))
        return part
    }

    /// What does not fit between the leg and what is declared for it.
    var faults: [String] {
        var faults: [String] = []
        if books != nil, leg.unclaimed == nil {
            faults.append("leg \(leg.step) has books, and no event to ask about what they hold")
        }
        if books == nil, leg.unclaimed != nil {
            faults.append("leg \(leg.step) asks about what books hold, and has none")
        }
        return faults
    }

    /// The step that runs it.
    ///
    /// - Parameter leg: what the route says of it.
    func step(of leg: RouteLeg, on route: Route) -> Step {
        var content = content
        content.substitutes = route.substitutes(for: leg.triggers)
        if let answer = leg.undone, let undo {
            content.compensations = [
                Step.Compensation(
                    triggers: route.undoes(leg), answer: answer, undo: undo.body,
                    nothingToUndo: undo.nothing, giveUpAfter: undoGiveUpAfter)
            ]
        } else {
            content.needsCompensation = false
        }
        if let books, let asking = leg.unclaimed {
            content.reconciliation = Step.Reconciliation(
                books: books, asking: asking, inquiry: EventKind(missingOf: route.ends.owner))
        }
        return Step(content)
    }

    private var content: Step.Content {
        var content = Step.Content(
            name: leg.step, triggers: leg.triggers, success: leg.success, failure: leg.failure,
            decode: decode,
            fail: { [makeFailure, failureChanges] in
                try makeFailure($0, failureChanges($0, $1))
            },
            giveUpAfter: giveUpAfter, atMost: atMost, actsOutside: leg.actsOutside,
            unknown: unknown, company: company)
        content.condition = leg.condition
        content.finishes = finishes.map {
            Step.Finish(trigger: $0.leg.trigger, emits: $0.leg.emits, decode: $0.decode)
        }
        return content
    }
}
