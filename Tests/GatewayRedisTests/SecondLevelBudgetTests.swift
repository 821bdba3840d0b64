import Testing

@testable import GatewayRedis

@Suite(.timeLimit(.minutes(3)))
struct SecondLevelBudgetTests {
    private let start = ContinuousClock.now

    private func budget() -> SecondLevelBudget {
        SecondLevelBudget(byteLimit: 100, generationLimit: 5, window: .seconds(10), at: start)
    }

    /// `#expect` cannot call what changes its value.
    private func check(
        _ answer: Bool, _ expected: Bool, at location: SourceLocation = #_sourceLocation
    ) {
        #expect(answer == expected, sourceLocation: location)
    }

    @Test func entriesAreRefusedOverTheLimitUntilOthersEnd() {
        var budget = budget()
        check(budget.takes(60, for: .seconds(5), at: start), true)
        check(budget.takes(60, for: .seconds(5), at: start), false)
        check(budget.takes(40, for: .seconds(60), at: start), true)
        check(budget.takes(1, for: .seconds(5), at: start + .seconds(4)), false)
        check(budget.takes(60, for: .seconds(5), at: start + .seconds(7)), true)
        check(budget.takes(1, for: .seconds(5), at: start + .seconds(7)), false)
    }

    @Test func generationsAreCountedInWindows() {
        var budget = budget()
        check(budget.mayBegin(at: start), true)
        budget.began(5)
        check(budget.mayBegin(at: start + .seconds(9)), false)
        check(budget.mayBegin(at: start + .seconds(10)), true)
    }
}
