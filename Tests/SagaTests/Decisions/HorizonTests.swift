import Saga
import Testing

/// What a ledger that is not there proves.
@Suite(.timeLimit(.minutes(1)))
struct HorizonTests {
    private let day: Int64 = 86_400_000

    @Test func anEventIsCoveredWithinTheLifeOfLedgersAlone() {
        let horizon = Horizon(born: 0, now: 100 * day, life: .seconds(30 * 86_400))

        #expect(horizon.covers(made: 100 * day) && horizon.covers(made: 71 * day))
        #expect(!horizon.covers(made: 70 * day), "its ledger may have ended a moment ago")
        #expect(!horizon.covers(made: 1))
    }

    @Test func anEventFromBeforeTheDataIsNotCovered() {
        let horizon = Horizon(born: 99 * day, now: 100 * day, life: .seconds(30 * 86_400))

        #expect(horizon.covers(made: 99 * day), "of the same moment")
        #expect(!horizon.covers(made: 99 * day - 1))
        #expect(!horizon.covers(made: 99 * day, kept: 99 * day - 1), "the store's own clock counts")
    }

    @Test func aShortLifeLeavesMostOfItself() {
        let horizon = Horizon(born: 0, now: 10_000, life: .seconds(5))

        #expect(horizon.beginning == 5_500)
    }
}

/// What is to be done about what a company holds.
@Suite(.timeLimit(.minutes(1)))
struct ReconciliationMachineTests {
    @Test(arguments: StepState.allCases, [true, false])
    func whatWasUndoneOrHasALedgerIsInOrder(state: StepState, isCovered: Bool) {
        let isDone = state == .done || state == .finished
        #expect(
            ReconciliationMachine.verdict(on: .undone, in: state, isCovered: isCovered)
                == (isDone ? .doubt : .nothing))
        for standing in [OutsideEntry.Standing.standing, .final]
        where [.done, .finished, .unknown].contains(state) {
            #expect(
                ReconciliationMachine.verdict(on: standing, in: state, isCovered: isCovered)
                    == .nothing)
        }
    }

    @Test(arguments: [StepState.failed, .tombstone, .skipped, .compensated], [true, false])
    func whatWasUndoneAndStandsIsUndoneOnceMore(state: StepState, isCovered: Bool) {
        #expect(
            ReconciliationMachine.verdict(on: .standing, in: state, isCovered: isCovered) == .undo)
        #expect(
            ReconciliationMachine.verdict(on: .final, in: state, isCovered: isCovered) == .show)
    }

    @Test func nothingIsUndoneOnAccountOfALedgerThatIsNotThere() {
        #expect(
            ReconciliationMachine.verdict(on: .standing, in: .absent, isCovered: true) == .ask)
        #expect(
            ReconciliationMachine.verdict(on: .standing, in: .absent, isCovered: false) == .show)
        #expect(ReconciliationMachine.verdict(on: .final, in: .absent, isCovered: true) == .tell)
        #expect(ReconciliationMachine.verdict(on: .final, in: .absent, isCovered: false) == .show)
    }

    @Test func onlyKeysOfThisSystemsOwnStepAreItsOwn() {
        let keys = IdempotencyKeys(namespace: "eu:1", route: "order", form: .named)
        let key = keys.doKey("a b:c", "payment", "charge")

        #expect(keys.saga(of: key, "payment", "charge") == "a b:c")
        for other in [
            "", key + ":refund", "x" + key, "eu%3A1:order::payment:charge",
            "eu%3A1:order:a:b:payment:charge", "eu%3A1:order:%4:payment:charge",
            "troupe:order:1:payment:charge", "eu%3A1:trip:1:payment:charge",
            "eu%3A1:order:1:payment:charges", "1:charge",
        ] {
            #expect(keys.saga(of: other, "payment", "charge") == nil, "\(other)")
        }
    }
}
