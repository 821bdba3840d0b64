import Saga
import Testing

@Suite(.timeLimit(.minutes(1)))
struct StepTriesTests {
    /// What one failure after ten seconds makes of tries that may take five.
    @Test(arguments: [
        (StepTries.Failure.unknown, Duration?.none, true, false),
        (.unknown, .seconds(60), true, false),
        (.outage, nil, true, true),
        (.outage, .seconds(60), true, true),
        (.unsent, nil, false, false),
        (.unsent, .seconds(60), false, true),
        (.unsent, .seconds(5), false, false),
    ])
    func onlyWhatRanCountsAsTried(
        _ failure: StepTries.Failure, _ unsentLimit: Duration?, _ mayHaveActed: Bool,
        _ isTriedAgain: Bool
    ) {
        var tries = StepTries(limit: .seconds(5), unsentLimit: unsentLimit)
        tries.begin()

        let again = tries.failed(failure, worked: .seconds(9), pause: .seconds(1))

        #expect(again == isTriedAgain)
        #expect(tries.mayHaveActed == mayHaveActed)
        #expect(tries.count == 1)
    }

    @Test func whatMayHaveActedOnceStaysSo() {
        var tries = StepTries(limit: .seconds(5), unsentLimit: .seconds(60))
        tries.begin()

        _ = tries.failed(.unknown, worked: .seconds(1), pause: .zero)
        _ = tries.failed(.unsent, worked: .seconds(1), pause: .zero)

        #expect(tries.mayHaveActed)
        #expect(StepTries(limit: .seconds(5), mayHaveActed: true).mayHaveActed)
    }

    @Test func timesAddUpEachByItself() {
        var tries = StepTries(limit: .seconds(5), unsentLimit: .seconds(5))
        var answers: [Bool] = []
        for _ in 0..<2 {
            for failure in [StepTries.Failure.unsent, .unknown] {
                tries.begin()
                answers.append(
                    tries.failed(failure, worked: .seconds(2), pause: .milliseconds(500)))
            }
        }

        #expect(answers == [true, true, true, true])
        #expect(tries.rest == .seconds(1))
        let last = tries.failed(.unsent, worked: .milliseconds(1), pause: .zero)
        #expect(!last)
    }

    @Test func theRestIsWhatIsLeftButASecond() {
        var tries = StepTries(limit: .seconds(10))
        #expect(tries.rest == .seconds(10))

        _ = tries.failed(.unknown, worked: .seconds(3), pause: .seconds(1))
        #expect(tries.rest == .seconds(6))
    }
}
