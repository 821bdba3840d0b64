import Testing

@testable import Saga

@Suite(.timeLimit(.minutes(1)))
struct SuspectsTests {
    private static func entries(_ count: Int) -> [Suspects.Entry] {
        (0..<count).map { Suspects.Entry(type: "OrderCreated", id: "\($0)-0") }
    }

    /// What the next process knows when this one dies.
    private static func heir(of dead: Suspects) -> Suspects {
        var heir = Suspects()
        heir.inherit(from: Suspects.parse(dead.text(of: "a")).suspects)
        return heir
    }

    @Test func aGroupWithWhichAProcessDiesIsTriedInSmallerOnes() {
        let pending = Self.entries(100)
        var suspects = Suspects()
        suspects.begin(suspects.group(among: pending))
        #expect(suspects.trying == Array(pending[..<64]))

        suspects = Self.heir(of: suspects)
        suspects.begin(suspects.group(among: pending))
        #expect(suspects.trying == Array(pending[..<8]))

        suspects = Self.heir(of: suspects)
        suspects.begin(suspects.group(among: pending))
        #expect(suspects.trying == [pending[0]])
        #expect(pending.allSatisfy { suspects.deaths(of: $0) == 0 })

        for deaths in 1...3 {
            suspects = Self.heir(of: suspects)
            #expect(suspects.deaths(of: pending[0]) == deaths)
            suspects.begin(suspects.group(among: pending))
            #expect(suspects.trying == [pending[0]])
        }
    }

    @Test func whatCameToItsEndIsTriedNoMoreAndNothingIsHeldAgainstIt() {
        let pending = Self.entries(10)
        var suspects = Suspects()
        suspects.begin(pending)
        suspects = Self.heir(of: suspects)
        suspects.begin(suspects.group(among: pending))
        suspects.end()
        #expect(suspects.trying.isEmpty)
        #expect(Set(suspects.records.keys) == Set(pending[8...]))
        suspects.begin(suspects.group(among: Array(pending[8...])))
        suspects.end()
        #expect(suspects.text(of: "a") == "")
    }

    @Test func whoLeavesInPeaceSaysWhatItKnowsAndNothingMore() {
        let pending = Self.entries(9)
        var suspects = Suspects()
        suspects.begin(pending)
        suspects = Self.heir(of: suspects)
        suspects.begin([pending[0]])
        suspects.leave()

        let heir = Self.heir(of: suspects)

        #expect(heir == suspects)
        #expect(pending.allSatisfy { heir.deaths(of: $0) == 0 })
    }

    @Test func aTextThatSomebodyElseWroteIsPassedOver() {
        let (token, suspects) = Suspects.parse("a\nnonsense\ntrying x 1 T 1-0\n\ntrying 8 0 T 2-0")
        #expect(token == "a")
        #expect(suspects.trying == [Suspects.Entry(type: "T", id: "2-0")])
        #expect(Suspects.parse("").suspects == Suspects())
    }

    @Test func ofTwoWhoKnowSomethingTheStricterIsRight() {
        let entry = Self.entries(1)[0]
        let (_, one) = Suspects.parse("a\nwaiting 8 0 OrderCreated 0-0")
        let (_, two) = Suspects.parse("b\nwaiting 1 2 OrderCreated 0-0")
        for (first, second) in [(one, two), (two, one)] {
            var suspects = first
            suspects.inherit(from: second)
            #expect(suspects.records == [entry: .init(bound: 1, deaths: 2)])
        }
    }

    /// 8 s until they are taken over, and 2 s for each group.
    @Test func fiveHundredAndTwelveComeThroughInTime() {
        var pending = Self.entries(512)
        var suspects = Suspects()
        suspects.begin(suspects.group(among: pending))
        suspects = Self.heir(of: suspects)
        var groups = 0
        while !pending.isEmpty {
            let group = suspects.group(among: pending)
            suspects.begin(group)
            suspects.end()
            pending.removeAll { group.contains($0) }
            groups += 1
        }
        #expect(8 + 2 * groups <= 48)
    }
}
