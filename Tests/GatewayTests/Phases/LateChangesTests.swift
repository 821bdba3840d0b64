import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1)))
struct LateChangesTests {
    private let one = CacheTag("a", "1")
    private let two = CacheTag("a", "2")

    @Test func changeIsTakenOnce() throws {
        let changes = LateChanges(limit: 2)
        let number = try #require(changes.add([one]))

        #expect(changes.take(number) == [one])
        #expect(changes.take(number) == nil)
        #expect(changes.stop().isEmpty)
    }

    @Test func noMoreThanTheLimitWait() throws {
        let changes = LateChanges(limit: 1)
        let number = try #require(changes.add([one]))
        #expect(changes.add([two]) == nil)
        _ = changes.take(number)
        #expect(changes.add([two]) != nil)
    }

    @Test func stopGivesAllThatWaitAndLetsNoneWait() throws {
        let changes = LateChanges(limit: 9)
        let number = try #require(changes.add([one]))
        _ = changes.add([one, two])

        #expect(changes.stop() == [one, two])
        #expect(changes.take(number) == nil)
        #expect(changes.add([one]) == nil)
    }
}
