/// Moves the life of one saga: `LifecycleMachine` decides, this acts on its answers.
struct LifecycleKeeper {
    /// Rounds of one input: others move the same life, each at most once per participant.
    private static let roundsMaximum = 64

    let lifecycle: Lifecycle
    let plan: ParticipantPlan
    let transitions: TransitionWriter
    let origin: TransitionWriter.Origin
    /// How long a cancelling saga waits for answers before it asks again for the first time.
    let patience: Duration

    typealias Apply = (StoreTransition) async throws -> TransitionAnswer

    /// Brings an input in and returns the state after it.
    ///
    /// - Parameters:
    ///   - failure: why the saga is to be cancelled, if it is.
    ///   - opening: makes the transition that begins or completes the saga.
    ///   - look: reads the ledger's entry; asked only if the input cannot do without.
    ///   - apply: has a transition applied.
    func advance(
        _ input: LifecycleInput, failure: BusinessFailure?, opening: Step.Bound?,
        context: StepContext, look: () async throws -> LedgerEntry?, apply: Apply
    ) async throws -> LifecycleState {
        var held = LedgerEntry(state: LifecycleMachine.assumed(input).text, eventID: "")
        let isRouteNoted = lifecycle.routeNote != nil
        if LifecycleMachine.looksFirst(input, isRouteNoted: isRouteNoted) {
            held = try await look() ?? LedgerEntry(state: "", eventID: "")
        }
        for _ in 0..<Self.roundsMaximum {
            guard let state = LifecycleState(text: held.state) else {
                throw SagaError(.unexpectedState, "the ledger holds no state of a life")
            }
            let input = try translated(input, by: held, in: state)
            guard let action = LifecycleMachine.action(input, in: state) else { return state }
            let reason = reason(held, in: state) ?? failure ?? BusinessFailure("")
            let planned = try await plan(
                action, failure: reason, opening: opening, context: context)
            let transition = transitions.transition(
                planned, origin: origin, field: LifecycleState.field, expected: state.text,
                next: action.next.text, note: note(after: action, held, reason),
                end: end(after: action, planned), isLast: isLast(after: action, planned))
            switch try await apply(transition) {
            case .applied: return action.next
            case .rejected(let failure): throw failure
            case .refused(let entry): held = entry
            }
        }
        throw SagaError(.unexpectedState, "the ledger keeps changing")
    }

    /// A saga waits for those with whom it began, as its ledger notes while it is pending.
    private func translated(
        _ input: LifecycleInput, by held: LedgerEntry, in state: LifecycleState
    ) throws(SagaError) -> LifecycleInput {
        guard state.status == .pending, let began = RouteNote(held.note),
            let now = lifecycle.routeNote, began.digest != now.digest
        else { return input }
        return try LifecycleMachine.onOldRoute(
            input, began.takingPart, known: Set(lifecycle.answers.keys))
    }

    /// Why a saga is being cancelled, as the ledger notes it.
    private func reason(_ held: LedgerEntry, in state: LifecycleState) -> BusinessFailure? {
        let isNoted = state.status == .cancelling || state.status == .cancelled
        return isNoted && !held.note.isEmpty ? BusinessFailure(note: held.note) : nil
    }

    private func note(
        after action: LifecycleAction, _ held: LedgerEntry, _ reason: BusinessFailure
    ) -> String {
        switch action.next.status {
        case .cancelling, .cancelled: reason.note
        case .pending: action.effects == [.begin] ? lifecycle.routeNote?.text ?? "" : held.note
        case .absent, .completed, .missing, .unknown: ""
        }
    }

    /// What the ledger is to say of the end: of a completed saga, who has to finish, and what they
    /// were told.
    private func end(after action: LifecycleAction, _ planned: PlannedTransition) -> LedgerEnd? {
        switch action.next.status {
        case .absent, .pending, .cancelling, .missing, .unknown: return nil
        case .cancelled: return .cancelled
        case .completed:
            let kinds = lifecycle.completions.map(\.emits.type)
            guard !lifecycle.finishers.isEmpty,
                let said = planned.events.first(where: { kinds.contains($0.type) })
            else { return .completed }
            return .awaiting(
                lifecycle.finishers, version: said.version,
                said: String(decoding: said.payload, as: UTF8.self))
        }
    }

    /// A ledger may go once its saga has ended, if it hears of that.
    private func isLast(after action: LifecycleAction, _ planned: PlannedTransition) -> Bool {
        guard plan.hearsEnds else { return true }
        switch end(after: action, planned) {
        case .completed, .cancelled: return true
        case .awaiting, nil: return false
        }
    }

    private func plan(
        _ action: LifecycleAction, failure: BusinessFailure, opening: Step.Bound?,
        context: StepContext
    ) async throws -> PlannedTransition {
        var planned = PlannedTransition()
        for effect in action.effects {
            switch effect {
            case .begin:
                planned.append(try await opening?(context))
                if let deadline = lifecycle.deadline, !PlantedFault.isPlanted(.deadlineLost) {
                    planned.changes.setTimer(origin.sagaID, event: timer, after: deadline)
                }
            case .complete:
                planned.append(try await opening?(context))
                if end(after: action, planned) == .completed {
                    if lifecycle.deadline != nil { cancelTimer(&planned) }
                } else {
                    planned.changes.setTimer(origin.sagaID, event: timer, after: patience)
                }
            case .startCancelling:
                planned.append(try await lifecycle.cancelling?(failure, context))
            case .announceCancelling:
                let notice = Transition(CancellingNotice(failure))
                planned.append(try PlannedTransition(notice, plan.cancelling))
            case .waitAgain:
                guard !lifecycle.requests.isEmpty else { continue }
                planned.changes.setTimer(
                    origin.sagaID, event: timer,
                    after: LifecycleMachine.pause(patience, asked: action.next.asked))
            case .announceMissing:
                planned.events.append(
                    PlannedTransition.Event(
                        type: plan.missing.type, version: plan.missing.version,
                        payload: Array("{}".utf8)))
            case .announceRequest:
                planned.append(try await lifecycle.requests.first?.announce(failure, context))
            case .cancel:
                planned.append(try await lifecycle.cancelled?.announce(failure, context))
                if !lifecycle.requests.isEmpty { cancelTimer(&planned) }
            }
        }
        return planned
    }

    private var timer: String { plan.deadline.type }

    private func cancelTimer(_ planned: inout PlannedTransition) {
        planned.changes.cancelTimer(origin.sagaID, event: timer)
    }
}

extension PlannedTransition {
    fileprivate mutating func append(_ other: PlannedTransition?) {
        guard let other else { return }
        events += other.events
        changes.append(other.changes)
    }
}

/// The payload of the event that tells that a saga is being cancelled, whoever owns it.
private struct CancellingNotice: ReasonEvent {
    static let owner = ""
    var reason: String
    var detail: String
}

extension LifecycleState {
    /// As those see it who may know where a saga stands; nil if it never began or is not known.
    package var sagaStatus: SagaStatus? {
        switch status {
        case .absent, .missing, .unknown: nil
        case .pending: .pending
        case .completed: .completed
        case .cancelling: .cancelling
        case .cancelled: .cancelled
        }
    }
}
