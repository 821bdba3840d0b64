import Testing

@testable import Saga

@Suite(.timeLimit(.minutes(1)))
struct ConsumerWatchTests {
    private static let start = ContinuousClock.now
    private static let epoch = StoreEpoch()

    /// A watch that has beaten once a second for so long.
    private static func watch(for seconds: Int) -> ConsumerWatch {
        var watch = ConsumerWatch(life: .seconds(5), lease: .seconds(10))
        for second in 0...seconds { watch.beat(at: at(second), in: epoch) }
        return watch
    }

    private static func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    private static func other(
        _ name: String = "b", isAlive: Bool, pending: Set<Int> = [0], idle: Duration = .zero
    ) -> ConsumerSighting {
        ConsumerSighting(name: name, isAlive: isAlive, idle: idle, pending: pending)
    }

    @Test func whoHasBeenSeenAliveAndIsNotIsDead() {
        var watch = Self.watch(for: 5)
        #expect(watch.saw([Self.other(isAlive: true)], at: Self.at(5)).isEmpty)

        let verdicts = watch.saw([Self.other(isAlive: false)], at: Self.at(5))

        #expect(verdicts == [.init(name: "b", idle: .seconds(1))])
        #expect(watch.saw([Self.other(isAlive: true)], at: Self.at(5)).isEmpty, "it is back")
    }

    /// It may be of a version that has no name, and at work.
    @Test func whoWasNeverSeenAliveIsJudgedByHisLease() {
        var watch = Self.watch(for: 5)

        let verdicts = watch.saw([Self.other(isAlive: false)], at: Self.at(5))

        #expect(verdicts == [.init(name: "b", idle: .seconds(10))])
    }

    @Test func whoHoldsNothingIsLeftAlone() {
        var watch = Self.watch(for: 5)
        _ = watch.saw([Self.other(isAlive: true)], at: Self.at(5))
        #expect(watch.saw([Self.other(isAlive: false, pending: [])], at: Self.at(5)).isEmpty)
    }

    @Test func nobodyIsJudgedBeforeAKeysLifeIsOver() {
        for second in 0..<5 {
            var watch = Self.watch(for: second)
            _ = watch.saw([Self.other(isAlive: true)], at: Self.at(second))
            #expect(watch.saw([Self.other(isAlive: false)], at: Self.at(second)).isEmpty)
        }
    }

    @Test func afterAnotherEpochItWatchesAnew() {
        var watch = Self.watch(for: 9)
        let other = StoreEpoch(1)
        for second in 10...14 {
            watch.beat(at: Self.at(second), in: other)
            #expect(!watch.mayJudge(at: Self.at(second)))
        }
        watch.beat(at: Self.at(15), in: other)
        #expect(watch.mayJudge(at: Self.at(15)))
    }

    @Test func afterAGapOfItsOwnItWatchesAnew() {
        var watch = Self.watch(for: 9)
        #expect(watch.mayJudge(at: Self.at(11)), "two seconds are not a gap")
        #expect(!watch.mayJudge(at: Self.at(12)), "it does not know what happened since")
        watch.beat(at: Self.at(12), in: Self.epoch)
        #expect(!watch.mayJudge(at: Self.at(12)))
        for second in 13...17 { watch.beat(at: Self.at(second), in: Self.epoch) }
        #expect(watch.mayJudge(at: Self.at(17)))
    }

    @Test func whoVanishedFromTheGroupIsForgotten() {
        var watch = Self.watch(for: 5)
        _ = watch.saw([Self.other(isAlive: true)], at: Self.at(5))
        _ = watch.saw([], at: Self.at(5))
        let verdicts = watch.saw([Self.other(isAlive: false)], at: Self.at(5))
        #expect(verdicts == [.init(name: "b", idle: .seconds(10))])
    }

    @Test func leasesAreRenewedWhileSomebodyMayGoByThem() {
        var watch = Self.watch(for: 5)
        let old = Self.other("old", isAlive: false, pending: [], idle: .seconds(3))
        #expect(watch.expectsRenewal(among: [old]))
        #expect(!watch.expectsRenewal(among: [Self.other(isAlive: true)]))
        let gone = Self.other("old", isAlive: false, idle: .seconds(20))
        #expect(!watch.expectsRenewal(among: [gone]))
        _ = watch.saw([Self.other(isAlive: true)], at: Self.at(5))
        #expect(!watch.expectsRenewal(among: [Self.other(isAlive: false)]), "it is dead")
    }
}
