import Testing
import Timekeeping

@Suite(.timeLimit(.minutes(1)))
struct SystemTimeTests {
    @Test func allUnitsTellTheSameTime() {
        let before = SystemTime.milliseconds()
        let told = [
            SystemTime.seconds() * 1000, Int64(SystemTime.sinceEpoch().milliseconds),
            Timestamp.now().milliseconds,
        ]
        let after = SystemTime.milliseconds()

        #expect(told.allSatisfy { $0 > before - 1000 && $0 <= after })
        #expect(told[1] >= before && told[2] >= before)
    }
}
