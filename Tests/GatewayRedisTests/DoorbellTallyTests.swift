import Gateway
import NIOCore
import Testing

@testable import GatewayRedis

@Suite(.timeLimit(.minutes(3)))
struct DoorbellTallyTests {
    private func fence(_ added: [Int], group: Int = 0) -> Fence {
        var fence = Fence(sent: Moment(nanoseconds: 7), group: group)
        fence.added = added
        return fence
    }

    /// `#expect` cannot call what changes its value.
    private func check(
        _ missing: [String], _ expected: [String],
        at location: SourceLocation = #_sourceLocation
    ) {
        #expect(missing == expected, sourceLocation: location)
    }

    @Test func messageForEachEntryIsNoGap() {
        var tally = DoorbellTally(types: ["A", "B"], groups: [[0, 1]])
        check(tally.compare(fence([10, 0])), [])
        tally.heard("A")
        tally.heard("A")
        tally.heard("B")

        check(tally.compare(fence([12, 1])), [])
        check(tally.compare(fence([12, 1])), [])
    }

    @Test func entryWithoutAMessageIsAGapOnce() {
        var tally = DoorbellTally(types: ["A", "B"], groups: [[0, 1]])
        _ = tally.compare(fence([10, 0]))
        tally.heard("B")

        check(tally.compare(fence([11, 2])), ["A", "B"])
        check(tally.compare(fence([11, 2])), [])
    }

    @Test func messageWithoutAnEntryHidesNoLaterGap() {
        var tally = DoorbellTally(types: ["A"], groups: [[0]])
        _ = tally.compare(fence([10]))
        tally.heard("A")
        check(tally.compare(fence([10])), [])

        check(tally.compare(fence([11])), ["A"])
    }

    @Test func streamThatWasRemovedIsAGap() {
        var tally = DoorbellTally(types: ["A"], groups: [[0]])
        _ = tally.compare(fence([10]))
        tally.heard("A")

        check(tally.compare(fence([1])), ["A"])
    }

    @Test func firstFenceOfASubscriptionOnlyCounts() {
        var tally = DoorbellTally(types: ["A"], groups: [[0]])
        check(tally.compare(fence([10])), [])
        tally.restart()

        check(tally.compare(fence([99])), [])
        check(tally.compare(fence([100])), ["A"])
    }

    @Test func fencesThatAreNotOfThisTallySayNothing() {
        var tally = DoorbellTally(types: ["A"], groups: [[0]])

        check(tally.compare(fence([10, 11])), [])
        check(tally.compare(fence([10], group: 3)), [])
    }

    @Test func servicesThatShareATypeOfEventAreCountedTogether() throws {
        func rule(_ service: String, _ events: [String]) -> InvalidationRule {
            InvalidationRule(events: events, service: service, tags: [])
        }
        let apart = EventRules([rule("a", ["X", "Y"]), rule("b", ["Z"])])
        let shared = EventRules([rule("a", ["X"]), rule("b", ["Z"]), rule("c", ["X", "Z"])])

        #expect(apart.groups == [[0, 1], [2]])
        #expect(shared.groups == [[0, 1, 2, 3]])
        #expect(EventRules([]).groups == [[]])
    }

    @Test func fenceIsReadAsItWasWritten() throws {
        let written = fence([3, 0], group: 1)
        let read = try #require(Fence(ByteBuffer(string: written.prefix + " 3 0")))

        #expect(read == written)
        for text in ["", "1", "a 1", "1 0 x", "99999999999999999999 0"] {
            #expect(Fence(ByteBuffer(string: text)) == nil)
        }
    }
}
