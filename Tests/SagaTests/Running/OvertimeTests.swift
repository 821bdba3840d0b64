import Testing

@testable import Saga

@Suite(.timeLimit(.minutes(1)))
struct OvertimeTests {
    private let start = ContinuousClock.now

    @Test func whatIsCancelledAndGoesOnIsDeafAfterAWhile() {
        var overtime = Overtime()
        overtime.limit(until: start + .seconds(5))
        #expect(!overtime.isOver(at: start + .seconds(5)))
        #expect(overtime.isOver(at: start + .seconds(6)))
        overtime.cancelled(at: start + .seconds(6))
        #expect(!overtime.isOver(at: start + .seconds(60)), "it is cancelled once")

        let found = [16, 17, 18].map { overtime.turnsDeaf(at: start + .seconds($0)) }
        #expect(found == [false, true, false], "it is found so once")
        #expect(overtime.isDeaf)
    }

    @Test func whoeverAnswersIsNotDeaf() {
        var overtime = Overtime()
        overtime.limit(until: start)
        overtime.cancelled(at: start + .seconds(1))
        let wasDeaf = overtime.answers()
        let turnsDeaf = overtime.turnsDeaf(at: start + .seconds(60))
        #expect(!wasDeaf && !turnsDeaf)

        overtime.cancelled(at: start)
        let isDeaf = overtime.turnsDeaf(at: start + .seconds(60))
        #expect(isDeaf)
        let isDeafNoMore = overtime.answers()
        #expect(isDeafNoMore && !overtime.isDeaf)
    }

    /// As a handler that goes on to wait for a connection: that it does something is not an answer.
    @Test func whatWasCancelledGetsNoMoreTime() {
        var overtime = Overtime()
        overtime.cancelled(at: start)
        overtime.limit(until: nil)
        overtime.limit(until: start + .seconds(100))
        overtime.cancelled(at: start + .seconds(9))

        #expect(!overtime.isOver(at: start + .seconds(101)))
        let isDeaf = overtime.turnsDeaf(at: start + .seconds(11))
        #expect(isDeaf)
    }
}
