import Testing

@testable import SagaRedis

@Suite(.timeLimit(.minutes(1)))
struct HousekeeperTests {
    @Test func trimmingKeepsWhatAnyGroupHasNotDealtWith() {
        let age = StreamID(milliseconds: 100)
        let done = GroupState(name: "a", lastDelivered: StreamID(milliseconds: 200))
        let behind = GroupState(name: "b", lastDelivered: StreamID(milliseconds: 50, sequence: 3))
        let pending = GroupState(
            name: "c", lastDelivered: StreamID(milliseconds: 200),
            oldestPending: StreamID(milliseconds: 30))

        #expect(Housekeeper.bound(age: age, groups: []) == age)
        #expect(Housekeeper.bound(age: age, groups: [done]) == age)
        #expect(Housekeeper.bound(age: age, groups: [done, behind]).description == "50-3")
        #expect(Housekeeper.bound(age: age, groups: [done, behind, pending]).description == "30-0")
        #expect(pending.dealtWith == StreamID(milliseconds: 29, sequence: .max))
    }
}
