import Saga
import Testing

/// The life of a saga where the explorations do not lead.
@Suite(.timeLimit(.minutes(1)))
struct LifecycleMachineTests {
    @Test(arguments: [
        LifecycleInput.begin, .pivot, .request(awaiting: []), .request(awaiting: ["payment"]),
        .heard(answer: nil, awaiting: []), .heard(answer: "payment", awaiting: nil),
        .heard(answer: "payment", awaiting: ["inventory"]),
    ])
    func nothingMovesALifeThatWasLeftHalfWritten(_ input: LifecycleInput) throws {
        let left = LedgerEntry(state: "completed", eventID: "e").halfApplied(from: "pending e")
        let state = try #require(LifecycleState(text: left.state))

        #expect(state.status == .unknown)
        #expect(LifecycleMachine.action(input, in: state) == nil)
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
