import Saga
import Testing

/// Sagas have twenty seconds, and a look is taken each second.
@Suite(.timeLimit(.minutes(1)))
struct LoadGaugeTests {
    /// A flow of sagas, in virtual seconds.
    private struct Flow {
        private let start = ContinuousClock.now
        private(set) var gauge = LoadGauge(deadline: .seconds(20))
        private(set) var refusals: [Int] = []
        var second = 0
        var begun = 0
        var ended = 0
        /// Those that are blocked, and asked about once in a while.
        var far = 0
        /// Timers of sagas that have ended for the count, as they only finish.
        var finishing = 0

        /// Goes on for some seconds in each of which so many begin and end.
        mutating func run(
            _ seconds: Int, begin: Int = 0, end: Int = 0, every step: Int = 1,
            refuses: Bool = false
        ) {
            for _ in 0..<seconds {
                second += 1
                if !(refuses && !gauge.load.canMeetDeadline) { begun += begin }
                ended = min(ended + end, begun)
                guard second % step == 0 else { continue }
                look()
                if !gauge.load.canMeetDeadline { refusals.append(second) }
            }
        }

        mutating func look() {
            gauge.note(
                LoadGauge.Look(
                    at: start + .seconds(second), begun: begun, ended: ended,
                    timers: begun - ended + finishing, farTimers: far))
        }
    }

    @Test func aFlowThatKeepsUpIsNeverRefused() {
        var flow = Flow()
        flow.begun = 100
        flow.run(120, begin: 50, end: 50)

        #expect(flow.refusals.isEmpty)
        #expect(flow.gauge.load == SagaLoad(open: 100, endsPerSecond: 50))
    }

    @Test func nothingIsRefusedWhileFewAreOpen() {
        var flow = Flow()
        flow.begun = LoadGauge.fewSagas
        flow.run(19)

        #expect(flow.refusals.isEmpty)
        #expect(flow.gauge.load == SagaLoad(open: LoadGauge.fewSagas))
    }

    @Test func moreThanCanEndInTimeIsRefused() {
        var flow = Flow()
        flow.run(4, begin: 100, end: 10)
        #expect(flow.refusals.isEmpty, "nobody knows yet")

        flow.run(3, begin: 100, end: 10)

        #expect(flow.refusals.first == 6)
        let load = flow.gauge.load
        #expect(load.endsPerSecond == 10)
        #expect(load.retryAfter == .seconds(10), "never longer than half of the deadline")
    }

    @Test func aBurstThatCanEndInTimeIsNot() {
        var flow = Flow()
        flow.begun = 400
        flow.run(10, end: 50)

        #expect(flow.refusals.isEmpty)
        #expect(flow.gauge.load.open == 0)
    }

    @Test func whatEndsNotAtAllIsRefusedUntilItHasBeenCancelled() {
        var flow = Flow()
        flow.begun = 1000
        flow.run(20)
        #expect(flow.refusals == Array(6...20))
        #expect(flow.gauge.load.retryAfter == .seconds(10))

        flow.run(1, end: 1000)
        #expect(flow.gauge.load.canMeetDeadline)
    }

    @Test func itStopsRefusingLaterThanItBegan() {
        var flow = Flow()
        flow.begun = 230
        flow.run(10, begin: 20, end: 20)
        #expect(!flow.gauge.load.canMeetDeadline, "11.5 seconds")

        flow.run(35, begin: 20, end: 21)
        #expect(!flow.gauge.load.canMeetDeadline, "less than half, and more than three eighths")

        flow.run(60, begin: 20, end: 21)
        #expect(flow.gauge.load.canMeetDeadline)
    }

    @Test func refusingHoldsWhatIsOpenWhereItCanEndInTime() {
        var flow = Flow()
        flow.run(200, begin: 100, end: 20, refuses: true)

        let wait = Double(flow.begun - flow.ended) / 20
        #expect(wait < 15, "\(wait) s")
        #expect(flow.refusals.count < 190, "some are begun all the while")
    }

    @Test func whatIsBlockedIsNotWaitedFor() {
        var flow = Flow()
        flow.begun = 5000
        flow.far = 5000
        flow.run(60, begin: 20, end: 20)

        #expect(flow.refusals.isEmpty)
        #expect(flow.gauge.load.open == 0)
    }

    /// However they were counted, and whatever hangs: who begins nothing is not overloaded.
    @Test func nothingIsRefusedForEver() {
        var flow = Flow()
        flow.begun = 5000
        flow.run(40)

        #expect(flow.refusals.last == 20)
        #expect(flow.gauge.load.open == 0)
    }

    @Test func whatOnlyFinishesIsNotOpen() {
        var flow = Flow()
        flow.begun = 5000
        flow.ended = 5000
        flow.finishing = 5000
        flow.run(60, begin: 1, end: 1)

        #expect(flow.refusals.isEmpty)
    }

    @Test func whoHasJustBeenStartedRefusesNothing() {
        var flow = Flow()
        flow.begun = 100_000
        flow.ended = 90_000
        flow.look()

        #expect(flow.gauge.load == SagaLoad(open: 10_000))
    }

    @Test func anotherStoreBeginsAnew() {
        var flow = Flow()
        flow.begun = 1000
        flow.run(10)
        #expect(!flow.gauge.load.canMeetDeadline)

        flow.begun = 200
        flow.look()

        #expect(flow.gauge.load == SagaLoad(open: 200))
    }

    @Test func rareLooksAreEnough() {
        var flow = Flow()
        flow.begun = 3000
        flow.run(60, begin: 10, end: 10, every: 15)

        #expect(flow.refusals == [30, 45, 60])
    }

    @Test func whoCannotTellRefusesNothing() {
        var flow = Flow()
        var gauge = flow.gauge
        flow.begun = 1000
        flow.run(10)
        gauge = flow.gauge
        #expect(!gauge.load.canMeetDeadline)

        gauge.forget()

        #expect(gauge.load == SagaLoad())
    }
}
