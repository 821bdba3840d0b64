/// Moves the life of one saga: `LifecycleMachine` decides, this acts on its answers.
struct LifecycleKeeper {
    static let field = "lifecycle"

    /// Rounds of one input: others move the same life, each at most once per participant.
    private static let roundsMaximum = 64

    let lifecycle: Lifecycle
    let plan: ParticipantPlan
    let transitions: TransitionWriter
    let origin: TransitionWriter.Origin
    /// How long a cancelling saga waits for answers before it asks again for the first time.
    let patience: Duration

    typealias Apply = (StoreTransition) async throws -> TransitionAnswer

    /// Brings an input in and answers the state after it.
    ///
    /// - Parameters:
    ///   - failure: why the saga is to be cancelled, if it is.
    ///   - opening: makes the transition that begins or completes the saga.
    ///   - apply: has a transition applied.
    func advance(
        _ input: LifecycleInput, failure: BusinessFailure?, opening: Step.Bound?,
        context: StepContext, apply: Apply
    ) async throws -> LifecycleState {
        var state = LifecycleMachine.assumed(input)
        var note = failure?.note ?? ""
        for _ in 0..<Self.roundsMaximum {
            guard let action = LifecycleMachine.action(input, in: state) else { return state }
            let planned = try await plan(
                action, failure: BusinessFailure(note: note), opening: opening, context: context)
            let keepsNote = action.next.status == .cancelling || action.next.status == .cancelled
            let transition = transitions.transition(
                planned, origin: origin, field: Self.field, expected: state.text,
                next: action.next.text, note: keepsNote ? note : "")
            switch try await apply(transition) {
            case .applied:
                return action.next
            case .rejected(let failure):
                throw failure
            case .refused(let entry):
                guard let found = LifecycleState(text: entry.state) else {
                    throw SagaError(.unexpectedState, "the ledger holds no state of a life")
                }
                state = found
                note = entry.note.isEmpty ? failure?.note ?? "" : entry.note
            }
        }
        throw SagaError(.unexpectedState, "the ledger keeps changing")
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
                if let deadline = lifecycle.deadline {
                    planned.changes.setTimer(origin.sagaID, event: timer, after: deadline)
                }
            case .complete:
                planned.append(try await opening?(context))
                if lifecycle.deadline != nil { cancelTimer(&planned) }
            case .startCancelling:
                planned.append(try await lifecycle.cancelling?(failure, context))
            case .waitAgain:
                guard !lifecycle.requests.isEmpty else { continue }
                planned.changes.setTimer(
                    origin.sagaID, event: timer,
                    after: LifecycleMachine.pause(patience, asked: action.next.asked))
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

extension LifecycleState {
    var sagaStatus: SagaStatus? {
        switch status {
        case .absent, .unknown: nil
        case .pending: .pending
        case .completed: .completed
        case .cancelling: .cancelling
        case .cancelled: .cancelled
        }
    }
}
