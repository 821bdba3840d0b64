import Gateway
import Testing

@testable import GatewayRedis

@Suite(.timeLimit(.minutes(3)))
struct SecondLevelBudgetTests {
    private let start = ContinuousClock.now

    private func budget(keyLimit: Int = 10) -> SecondLevelBudget {
        SecondLevelBudget(
            byteLimit: 100, generationLimit: 5, keyLimit: keyLimit, window: .seconds(10),
            at: start)
    }

    private func key(_ name: String) -> CacheKey { CacheNode.key(name) }

    /// `#expect` cannot call what changes its value.
    private func check(
        _ answer: Bool, _ expected: Bool, at location: SourceLocation = #_sourceLocation
    ) {
        #expect(answer == expected, sourceLocation: location)
    }

    /// Whether an entry was stored, which Redis takes if it is asked to.
    private func store(
        _ size: Int, _ name: String, for lifetime: Duration = .seconds(5),
        in budget: inout SecondLevelBudget, after time: Duration = .zero
    ) -> Bool {
        let now = start + time
        guard budget.hasRoom(for: size, of: key(name), at: now),
            let charge = budget.charge(size, of: key(name), for: lifetime, at: now)
        else { return false }
        budget.stored(charge)
        return true
    }

    @Test func entriesAreRefusedOverTheLimitUntilOthersEnd() {
        var budget = budget()
        check(store(60, "a", in: &budget), true)
        check(store(60, "b", in: &budget), false)
        check(store(40, "c", for: .seconds(60), in: &budget), true)
        check(store(1, "d", in: &budget, after: .seconds(4)), false)
        check(store(60, "e", in: &budget, after: .seconds(7)), true)
        check(store(1, "f", in: &budget, after: .seconds(7)), false)
    }

    @Test func entryThatIsWrittenOverIsNoLongerCounted() {
        var budget = budget()
        for number in 0..<10_000 {
            let time = Duration.milliseconds(number)
            check(store(60, "a", for: .seconds(60), in: &budget, after: time), true)
        }
        let end = Duration.seconds(10)

        check(store(41, "b", in: &budget, after: end), false)
        check(store(40, "b", in: &budget, after: end), true)
        // A smaller one makes room.
        check(store(30, "a", in: &budget, after: end), true)
        check(store(30, "c", in: &budget, after: end), true)
        check(store(1, "d", in: &budget, after: end), false)
    }

    @Test func entryThatIsNotStoredIsNotCounted() throws {
        var budget = budget()
        check(store(50, "a", for: .seconds(60), in: &budget), true)
        for _ in 0..<100 {
            let refused = budget.charge(50, of: key("a"), for: .seconds(60), at: start)
            budget.giveBack(try #require(refused), at: start)
        }

        // The one before it is still there.
        check(store(51, "b", in: &budget), false)
        check(store(50, "b", in: &budget), true)
    }

    @Test func chargeThatHasEndedIsNotGivenBackTwice() throws {
        var budget = budget()
        let refused = budget.charge(50, of: key("a"), for: .seconds(5), at: start)
        let later = Duration.seconds(7)
        check(store(100, "b", in: &budget, after: later), true)
        budget.giveBack(try #require(refused), at: start + later)

        check(store(1, "c", in: &budget, after: later), false)
    }

    @Test func keysBeyondThoseRememberedAreCountedUntilTheyEnd() {
        var budget = budget(keyLimit: 1)
        check(store(20, "a", in: &budget), true)
        check(store(30, "b", in: &budget), true)
        check(store(30, "b", in: &budget), true)
        check(store(30, "b", in: &budget), false)
        check(store(20, "a", in: &budget), true)
        let later = Duration.seconds(7)
        for _ in 0..<10 { check(store(60, "b", in: &budget, after: later), true) }
    }

    @Test func generationsAreCountedInWindows() {
        var budget = budget()
        check(budget.mayBegin(at: start), true)
        budget.began(5)
        check(budget.mayBegin(at: start + .seconds(9)), false)
        check(budget.mayBegin(at: start + .seconds(10)), true)
    }
}
