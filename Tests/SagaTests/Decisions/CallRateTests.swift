import Saga
import Testing

/// So many calls a second, in the order in which they come.
@Suite(.timeLimit(.minutes(1)))
struct CallRateTests {
    private let start = ContinuousClock.now

    @Test func aTenthOfASecondsCallsBeginAtOnceAndTheOthersOneAfterAnother() {
        var rate = CallRate(perSecond: 21)

        let moments = (0..<5).map { _ in rate.reserve(at: start) - start }

        #expect(
            moments == [.zero, .zero, .milliseconds(50), .milliseconds(100), .milliseconds(150)])
    }

    @Test(arguments: [1, 3, 7, 10, 100, 999])
    func neverDoMoreBeginInASecond(_ count: Int) {
        var rate = CallRate(perSecond: count)
        var moments: [ContinuousClock.Instant] = []
        var now = start
        // Bursts, with rests between them in which tokens come.
        for burst in [3 * count, 1, count / 2, 2 * count] {
            moments += (0..<burst).map { _ in rate.reserve(at: now) }
            now = max(now, moments.last ?? now) + .milliseconds(700)
        }

        #expect(moments == moments.sorted())
        for (index, moment) in moments.enumerated() {
            let within = moments[index...].prefix { $0 - moment < .seconds(1) }.count
            #expect(within <= count)
        }
    }

    @Test func whoRestsFindsNoMoreThanATenthAtOnce() {
        var rate = CallRate(perSecond: 21)
        _ = rate.reserve(at: start)
        let later = start + .seconds(3_600)

        let moments = (0..<3).map { _ in rate.reserve(at: later) - later }

        #expect(moments == [.zero, .zero, .milliseconds(50)])
    }

    @Test func aMomentThatIsGivenBackGoesToTheNextAndIsLostOnceItHasPassed() {
        var rate = CallRate(perSecond: 10)
        let moments = (0..<4).map { _ in rate.reserve(at: start) }
        rate.giveBack(moments[2], at: start)
        rate.giveBack(moments[1], at: start)

        #expect(rate.reserve(at: start) == moments[1])
        #expect(rate.reserve(at: start) == moments[2])
        #expect(rate.reserve(at: start) == moments[3] + .milliseconds(100))

        rate.giveBack(moments[3], at: start)
        #expect(rate.reserve(at: moments[3]) == moments[3] + .milliseconds(200))
    }
}
