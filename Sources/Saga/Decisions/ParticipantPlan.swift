/// What each event means to a participant: a valid declaration, turned round for look-up.
package struct ParticipantPlan: Sendable {
    package indirect enum Role: Sendable {
        case start(Step)
        case compensate(Step, Step.Compensation)
        case finish(Step, Step.Finish)
        /// It tells how the saga ends, and nothing is to be done about it.
        case end(SagaEnd.News)
        case pivot(Lifecycle.Completion)
        /// One of several events for which what follows waits together.
        case join(Join, JoinTarget)
        /// An event said in place of the one of that type, whose leg was not needed: what waits for
        /// that goes on without.
        case inPlace(of: String, Role)
        /// An event that the saga's life hears: an answer, a failure that cancels, or both.
        case heard(answer: String?, cancellation: Lifecycle.Cancellation?)
        /// What somebody holds outside and no ledger of theirs knows.
        case unclaimed(RouteUnclaimed)
        /// A saga that its owner does not know, and may be known to a company.
        case inquiry(Step, Step.Reconciliation)
        case deadline(Lifecycle.Request)
        /// What a person asks of this service alone.
        case again

        /// The field of the ledger that it moves; nil if that depends on the event.
        package var step: String? {
            switch self {
            case .start(let step), .compensate(let step, _), .finish(let step, _),
                .join(_, .start(let step)), .inquiry(let step, _):
                step.name
            case .inPlace(_, let role): role.step
            case .pivot, .join(_, .pivot), .heard, .unclaimed, .deadline: LifecycleState.field
            case .end: LedgerEnd.field
            case .again: nil
            }
        }
    }

    /// What runs once all have come.
    package enum JoinTarget: Sendable {
        case start(Step)
        case pivot(Lifecycle.Completion)
    }

    /// Where the ledger keeps what has come of several events, and which these are.
    package struct Join: Sendable {
        package let field: String
        package let awaited: [String]

        init(of name: String, _ triggers: [EventKind]) {
            field = "join:" + name
            awaited = triggers.map(\.type)
        }
    }

    package struct Consumed: Sendable {
        package var kind: EventKind
        /// In order of declaration; a delivery is acknowledged once all are dealt with.
        package var roles: [Role]

        /// The steps that it starts, by itself or as one of several events.
        package var started: [Step] {
            roles.compactMap { role in
                switch role {
                case .start(let step), .join(_, .start(let step)),
                    .inPlace(_, .start(let step)), .inPlace(_, .join(_, .start(let step))):
                    step
                case .compensate, .finish, .end, .pivot, .join, .inPlace, .heard, .unclaimed,
                    .inquiry, .deadline, .again:
                    nil
                }
            }
        }
    }

    package let name: String
    package let route: String
    package let lifecycle: Lifecycle?
    package let steps: [Step]
    /// Whether it hears of the end of each saga, before which no ledger may go.
    package let hearsEnds: Bool
    /// The event with which the participant tells itself that a saga's time is up.
    package let deadline: EventKind
    /// The event with which it asks about a saga that it should know and does not.
    package let missing: EventKind
    /// The event with which it tells that a saga is being cancelled.
    package let cancelling: EventKind
    package private(set) var consumed: [String: Consumed] = [:]
    /// Every kind that it emits, but for what it tells itself.
    package let emitted: [EventKind]
    /// The digest of the route that it was made for, if it was.
    let routeDigest: String?
    /// What each event means on other routes.
    package private(set) var further: [ParticipantPlan] = []
    /// How its sagas are named, whatever their route.
    package let naming: SagaNaming

    /// Throws an error that lists every fault of the declaration.
    package init(_ participant: Participant) throws(SagaError) {
        let faults = participant.faults
        guard faults.isEmpty else {
            throw SagaError(
                .invalidDefinition,
                "participant '\(participant.name)': " + faults.joined(separator: "; "))
        }
        name = participant.name
        route = participant.route
        naming = SagaNaming(participant.onEachRoute.map(\.route))
        deadline = EventKind(deadlineOf: participant.name)
        missing = EventKind(missingOf: participant.name)
        cancelling = EventKind(cancellingOf: participant.name)
        lifecycle = participant.lifecycle
        steps = participant.steps
        hearsEnds = participant.hearsEnds
        emitted = participant.emitted
        routeDigest = participant.madeFor.map { RouteDigest($0).hexadecimal }
        let pivot = participant.madeFor?.ends.pivot ?? []
        for step in participant.steps {
            add(step, isLast: pivot.contains { $0.type == step.success.type })
        }
        if let lifecycle { add(lifecycle) }
        for (kind, news) in participant.ends { add(.end(news), for: kind) }
        // Who never asks a person reads one stream less.
        if steps.contains(where: { $0.unknown.policy == .park }) {
            add(.again, for: EventKind(againOf: name))
        }
        for part in participant.further { further.append(try ParticipantPlan(part)) }
    }

    /// What it is on each of its routes.
    package var onEachRoute: [ParticipantPlan] { [self] + further }

    /// Every kind that it consumes, on whatever route.
    package var consumedKinds: [EventKind] {
        var kinds = consumed.mapValues(\.kind)
        for part in further { kinds.merge(part.consumed.mapValues(\.kind)) { first, _ in first } }
        return Array(kinds.values)
    }

    /// Every kind that it emits, on whatever route.
    package var emittedKinds: [EventKind] { onEachRoute.flatMap(\.emitted) }

    /// The types consumed, by the service that owns them.
    package var typesByOwner: [String: [String]] {
        Dictionary(grouping: consumedKinds, by: \.owner).mapValues { $0.map(\.type).sorted() }
    }

    /// - Parameter isLast: whether the pivot waits for it.
    private mutating func add(_ step: Step, isLast: Bool) {
        var role = Role.start(step)
        if step.triggers.count > 1 {
            role = .join(Join(of: step.name, step.triggers), .start(step))
        }
        add(role, for: step.triggers, step.substitutes)
        for compensation in step.compensations
        where !isLast || !PlantedFault.isPlanted(.lastLegIsPivot) {
            for trigger in compensation.triggers {
                add(.compensate(step, compensation), for: trigger)
            }
        }
        for finish in step.finishes { add(.finish(step, finish), for: finish.trigger) }
        if let reconciliation = step.reconciliation {
            add(.inquiry(step, reconciliation), for: reconciliation.inquiry)
        }
    }

    private mutating func add(_ lifecycle: Lifecycle) {
        for completion in lifecycle.completions {
            var role = Role.pivot(completion)
            if completion.triggers.count > 1 {
                let join = Join(of: LifecycleState.field, completion.triggers)
                role = .join(join, .pivot(completion))
            }
            add(role, for: completion.triggers, completion.substitutes)
        }
        var heard: [String: (EventKind, String?, Lifecycle.Cancellation?)] = [:]
        for (name, kinds) in lifecycle.answers {
            for kind in kinds { heard[kind.type] = (kind, name, nil) }
        }
        for cancellation in lifecycle.cancellations {
            heard[cancellation.trigger.type, default: (cancellation.trigger, nil, nil)].2 =
                cancellation
        }
        for (kind, answer, cancellation) in heard.values {
            add(.heard(answer: answer, cancellation: cancellation), for: kind)
        }
        if let request = lifecycle.requests.first {
            add(.deadline(request), for: deadline)
        }
        for unclaimed in lifecycle.unclaimed { add(.unclaimed(unclaimed), for: unclaimed.kind) }
    }

    private mutating func add(
        _ role: Role, for triggers: [EventKind], _ substitutes: [String: EventKind]
    ) {
        for trigger in triggers {
            add(role, for: trigger)
            guard let substitute = substitutes[trigger.type] else { continue }
            add(.inPlace(of: trigger.type, role), for: substitute)
        }
    }

    private mutating func add(_ role: Role, for kind: EventKind) {
        consumed[kind.type, default: Consumed(kind: kind, roles: [])].roles.append(role)
    }
}
