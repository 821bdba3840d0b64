import Testing

@testable import troupe

/// What the answers about single commands mean for a rule.
@Suite(.timeLimit(.minutes(1)))
struct RedisRightsTests {
    private typealias Place = RedisRole.Place

    /// Two commands on two kinds of keys, one on a channel, one on nothing.
    private static let role = RedisRole(
        commands: ["GET KEY", "SET KEY a", "PUBLISH CHANNEL a", "SUBSCRIBE CHANNEL", "INFO a"],
        keys: [Place(pattern: "a:*", sample: "a:1"), Place(pattern: "b:*", sample: "b:1")],
        channels: [Place(pattern: "c.*", sample: "c.1")], trials: [])

    private static func missing(_ answers: [Int]) -> RedisRights.Missing? {
        RedisRights(role: role).missing(answers)
    }

    @Test func whoMayDoAllLacksNothing() {
        #expect(Self.missing([0, 0, 0, 0, 0, 0, 0])?.isEmpty == true)
    }

    @Test func aCommandIsMissingWhereItIsRefusedOnKeysThatAreOpen() {
        let missing = Self.missing([0, 0, 1, 1, 0, 0, 1])

        #expect(missing?.commands == ["INFO a", "SET KEY a"])
        #expect(missing?.keys == [] && missing?.channels == [])
        #expect(missing?.rules == ["+info", "+set"])
    }

    @Test func keysAreMissingWhereNoCommandIsAllowed() {
        let missing = Self.missing([0, 1, 0, 1, 0, 0, 0])

        #expect(missing?.keys == ["b:*"])
        #expect(missing?.commands == [])
        #expect(missing?.rules == ["~b:*"])
    }

    @Test func withoutAnyChannelItsCommandsGoIntoTheRuleToBeSure() {
        let missing = Self.missing([0, 0, 0, 0, 1, 1, 0])

        #expect(missing?.channels == ["c.*"])
        #expect(missing?.commands == [])
        #expect(missing?.rules == ["+publish", "+subscribe", "&c.*"])
    }

    @Test func aRenamedCommandIsNoMatterOfRights() {
        let missing = Self.missing([0, 0, 2, 2, 0, 0, 0])

        #expect(missing?.unknown == ["set"])
        #expect(missing?.rules == [])
        #expect(missing?.isEmpty == false)
    }

    @Test(arguments: [
        [], [0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [9, 0, 0, 0, 0, 0, 0],
    ])
    func otherAnswersAreNotTaken(answers: [Int]) {
        #expect(Self.missing(answers) == nil)
    }

    /// One that is made to find a stream's end would hold its trimming if it stayed.
    @Test func whoMakesGroupsHasToTakeThemAwayToo() {
        for role in [RedisRole.services(namespace: nil), .events(namespace: nil)] {
            #expect(role?.commands.contains("XGROUP DESTROY KEY a") == true)
        }
    }

    @Test func aRuleNamesEachRightOnce() {
        let rule = RedisRole.everything(namespace: "shop", withCache: true).rule
        let words = rule.split(separator: " ")

        #expect(Set(words).count == words.count)
        #expect(words.contains("~shop:{payment}:*") && words.contains("&shop:saga.*"))
        #expect(words.contains("+client|setname") && words.contains("+xgroup"))
    }
}
