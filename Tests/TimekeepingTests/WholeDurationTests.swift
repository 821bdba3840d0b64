import Testing
import Timekeeping

@Suite(.timeLimit(.minutes(1)))
struct WholeDurationTests {
    @Test func whatIsBelowTheUnitIsCutOff() {
        #expect(Duration.microseconds(2_999).milliseconds == 2)
        #expect(Duration.microseconds(-2_999).milliseconds == -2)
        #expect(Duration.microseconds(3).nanoseconds == 3_000)
        #expect(Duration.milliseconds(1_999).wholeSeconds == 1)
        #expect(Duration.zero.wholeSeconds == 1)
    }

    @Test(arguments: [
        Duration.seconds(Int64.max), .milliseconds(Int64.max), .seconds(20_000_000_000),
    ])
    func whatIsLongerThanCenturiesIsCut(duration: Duration) {
        #expect(duration.milliseconds / 1000 == 10_000_000_000)
        #expect(duration.wholeSeconds == 10_000_000_000)
        #expect(duration.nanoseconds == 9_000_000_000_000_000_000)
        #expect((.zero - duration).milliseconds / 1000 == -10_000_000_000)
        #expect((.zero - duration).nanoseconds == -9_000_000_000_000_000_000)
    }
}
