import Saga
import Testing

/// What becomes of an outcome that nobody knows, cause by cause and declaration by declaration.
@Suite(.timeLimit(.minutes(1)))
struct UnknownMachineTests {
    @Test(arguments: UnknownCause.allCases)
    func whoDeclaresNothingUndoesWhateverTheCause(_ cause: UnknownCause) {
        for word in [nil] + PersonalWord.allCases.map(Optional.some) {
            #expect(UnknownMachine.action(.forward, cause, .compensate, word: word) == .giveUp)
            #expect(
                UnknownMachine.action(.compensate, cause, .compensate, word: word)
                    == .undo(from: .unknown))
        }
        #expect(
            UnknownMachine.action(.forward, cause, .compensate)
                == StepMachine.action(.forward, in: .unknown))
    }

    @Test(arguments: UnknownPolicy.allCases)
    func whatIsToBeUndoneIsUndoneWithoutAQuestion(_ policy: UnknownPolicy) {
        #expect(UnknownMachine.action(.forward, .toBeUndone, policy) == .giveUp)
        #expect(
            UnknownMachine.action(.compensate, .toBeUndone, policy) == .undo(from: .unknown))
    }

    @Test func whoeverWasCalledIsAskedUnlessTheSagaIsCancelled() {
        #expect(UnknownMachine.action(.forward, .nobodyKnows, .askFirst) == .ask)
        #expect(UnknownMachine.action(.compensate, .nobodyKnows, .askFirst) == .noteCalledOff)
        #expect(UnknownMachine.action(.forward, .calledOff, .askFirst) == .giveUp)
        #expect(
            UnknownMachine.action(.compensate, .calledOff, .askFirst) == .undo(from: .unknown))
    }

    @Test func neitherTheStepNorItsUndoingGoesOnBeforeAPersonHasSpoken() {
        for cause in [UnknownCause.nobodyKnows, .calledOff] {
            #expect(UnknownMachine.action(.forward, cause, .park) == .waitForAPerson)
        }
        #expect(UnknownMachine.action(.compensate, .nobodyKnows, .park) == .noteCalledOff)
        #expect(UnknownMachine.action(.compensate, .calledOff, .park) == .waitForAPerson)
    }

    @Test func aPersonsWordDecidesAndACancelledStepThatActedIsUndone() {
        func action(_ role: StepRole, _ cause: UnknownCause, _ word: PersonalWord) -> StepAction {
            UnknownMachine.action(role, cause, .park, word: word)
        }
        #expect(action(.forward, .nobodyKnows, .done) == .declareDone)
        #expect(action(.forward, .calledOff, .done) == .giveUp)
        #expect(action(.compensate, .calledOff, .done) == .undo(from: .unknown))
        for (role, cause) in [
            (StepRole.forward, UnknownCause.nobodyKnows), (.forward, .calledOff),
            (.compensate, .calledOff),
        ] {
            #expect(action(role, cause, .undone) == .declareUndone)
        }
    }

    @Test func aFinishWaitsForTheStep() {
        for cause in UnknownCause.allCases {
            #expect(UnknownMachine.action(.finish, cause, .askFirst) == .notYet)
        }
    }

    @Test func theNoteOfALedgerTellsTheCause() {
        func cause(_ note: String) -> UnknownCause {
            LedgerEntry(state: "unknown", eventID: "e", note: note).unknownCause
        }
        #expect(cause(BusinessFailure.outcomeUnknown.note) == .nobodyKnows)
        #expect(cause(BusinessFailure.calledOff.note) == .calledOff)
        for note in ["card_declined no money", "half_applied done", ""] {
            #expect(cause(note) == .toBeUndone)
        }
    }
}
