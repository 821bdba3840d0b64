import Saga
import Testing

/// The life of a saga where the explorations do not lead.
@Suite(.timeLimit(.minutes(1)))
struct LifecycleMachineTests {
    @Test(arguments: [
        LifecycleInput.begin, .pivot, .request(awaiting: []), .request(awaiting: ["payment"]),
        .heard(answer: nil, awaiting: []), .heard(answer: "payment", awaiting: nil),
        .heard(answer: "payment", awaiting: ["inventory"]), .unknownSaga, .unclaimed,
    ])
    func nothingMovesALifeThatWasLeftHalfWritten(_ input: LifecycleInput) throws {
        let left = LedgerEntry(state: "completed", eventID: "e").halfApplied(from: "pending e")
        let state = try #require(LifecycleState(text: left.state))

        #expect(state.status == .unknown)
        #expect(LifecycleMachine.action(input, in: state) == nil)
    }

    @Test func whoIsNotKnownIsTakenForCancelledAndEverybodyIsTold() {
        let action = LifecycleMachine.action(.unknownSaga, in: .absent)

        #expect(action?.next == .cancelled)
        #expect(action?.effects == [.announceRequest], "no record is touched, and no end is told")
        for status in [LifecycleState.Status.pending, .cancelling, .cancelled, .completed] {
            #expect(
                LifecycleMachine.action(.unknownSaga, in: LifecycleState(status: status)) == nil)
        }
    }

    @Test func whoeverHoldsSomethingFinalHasHisTurnBeforeTheRestIsUndone() {
        func conclusion(_ isFinal: Bool, _ count: Int) -> LifecycleMachine.Conclusion {
            LifecycleMachine.conclusion(
                UnclaimedQuestion(key: "k", isFinal: isFinal, count: count))
        }

        #expect(conclusion(false, 1) == .wait && conclusion(false, 2) == .wait)
        #expect(conclusion(false, 3) == .cancelled)
        #expect(conclusion(true, 1) == .completed)
        let action = LifecycleMachine.action(.finalUnknown, in: .absent)
        #expect(action?.next == .completed && action?.effects == [])
        #expect(LifecycleMachine.action(.finalUnknown, in: .cancelled) == nil)
    }

    @Test func whatIsUnclaimedIsToBeUndoneIfItsSagaIsCancelled() {
        let action = LifecycleMachine.action(.unclaimed, in: .cancelled)

        #expect(action?.next == .cancelled)
        #expect(action?.effects == [.announceRequest])
        for status in [LifecycleState.Status.absent, .pending, .cancelling, .completed] {
            #expect(LifecycleMachine.action(.unclaimed, in: LifecycleState(status: status)) == nil)
        }
    }

    @Test(arguments: ["", "pending", "pending+payment e", "cancelling:a,b+c e card_declined No."])
    func whatWasLeftHalfWrittenSaysWhatItWasBefore(_ before: String) {
        let left = LedgerEntry(state: "cancelled", eventID: "e").halfApplied(from: before)

        #expect(LedgerEntry(left.text) == left)
        #expect(left.stateBeforeHalf == String(before.prefix { $0 != " " }))
        #expect(left.text.hasSuffix(before))
    }

    @Test(arguments: ["", "unknown", "unknown e", "unknown e outcome_unknown x", "done e", "x y z"])
    func noOtherEntryWasLeftHalfWritten(_ text: String) {
        #expect(LedgerEntry(text).stateBeforeHalf == nil)
    }
}
