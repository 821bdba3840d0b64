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

    @Test(arguments: [
        LifecycleInput.request(awaiting: ["a"]), .timeIsUp(awaiting: ["a"]),
        .heard(answer: "b", awaiting: ["a"]), .failedOnOldRoute(answer: nil, awaiting: ["a"]),
    ])
    func thatASagaIsBeingCancelledIsToldIfItWaits(_ input: LifecycleInput) throws {
        var effects: [LifecycleAction.Effect] = [.startCancelling, .announceRequest]
        if case .heard = input { effects.removeLast() }

        let waiting = try #require(LifecycleMachine.action(input, in: .pending))
        #expect(waiting.next.status == .cancelling)
        #expect(waiting.effects == effects + [.announceCancelling, .waitAgain])

        let answered = LifecycleState(status: .pending, answered: ["a"])
        let ended = try #require(LifecycleMachine.action(input, in: answered))
        #expect(ended.next.status == .cancelled)
        #expect(ended.effects == effects + [.cancel], "its end is told alone")

        for again in [input, .timeIsUp(awaiting: ["a"]), .heard(answer: "c", awaiting: nil)] {
            let effects = LifecycleMachine.action(again, in: waiting.next)?.effects ?? []
            #expect(!effects.contains(.announceCancelling), "it is told once: \(again)")
        }
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

    @Test func whoeverHoldsSomethingFinalIsAskedBeforeTheRestIsUndone() {
        let all: Set = ["payment", "shipping"]
        func input(_ isFinal: Bool, _ count: Int, by teller: String) -> LifecycleInput {
            LifecycleMachine.input(
                UnclaimedQuestion(key: "k", isFinal: isFinal, count: count), by: teller,
                keepers: all)
        }
        func state(after inputs: [LifecycleInput]) -> LifecycleState {
            inputs.reduce(.absent) { LifecycleMachine.action($1, in: $0)?.next ?? $0 }
        }
        let question = input(false, 1, by: "payment")
        let (nothing, alsoNothing) = (
            input(false, 0, by: "payment"), input(false, 0, by: "shipping")
        )

        let asked = LifecycleMachine.action(question, in: .absent)
        #expect(asked?.effects == [.announceMissing])
        #expect(asked?.next.status == .missing)
        #expect(state(after: [question, nothing]).status == .missing)
        #expect(state(after: [question, nothing, question, nothing]).status == .missing)
        #expect(state(after: [question, nothing, alsoNothing]).status == .cancelled)
        #expect(state(after: [question, alsoNothing, nothing]).status == .cancelled)
        #expect(state(after: [nothing, alsoNothing]).status == .absent, "nobody was asked")
        for inputs in [
            [input(true, 1, by: "shipping")], [question, input(true, 0, by: "shipping")],
            [question, nothing, input(true, 0, by: "shipping")],
            [question, nothing, input(true, 3, by: "shipping"), alsoNothing],
        ] {
            #expect(state(after: inputs) == .completed)
        }
        #expect(LifecycleMachine.action(.finalUnknown, in: .cancelled) == nil)
        #expect(LifecycleMachine.action(question, in: .pending) == nil)
        let missing = state(after: [question, nothing])
        #expect(LifecycleState(text: missing.text) == missing)
    }

    /// Each question asks everybody anew: an answer, or the inquiry, may be lost for good.
    @Test func aSagaThatIsMissedIsAskedAboutAsOftenAsSomebodyAsks() {
        let missing = LifecycleState(
            status: .missing, awaited: ["payment", "shipping"], answered: ["payment"])

        let action = LifecycleMachine.action(
            .missing(awaiting: ["payment", "shipping"]), in: missing)

        #expect(action?.next == missing)
        #expect(action?.effects == [.announceMissing])
    }

    @Test func whatIsUnclaimedIsToBeUndoneIfItsSagaIsCancelled() {
        let action = LifecycleMachine.action(.unclaimed, in: .cancelled)

        #expect(action?.next == .cancelled)
        #expect(action?.effects == [.announceRequest])
        for status in [LifecycleState.Status.absent, .pending, .cancelling, .completed, .missing] {
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
