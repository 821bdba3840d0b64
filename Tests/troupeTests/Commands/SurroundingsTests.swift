import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(3)))
struct SurroundingsTests {
    @Test func optionWinsOverVariable() throws {
        let surroundings = Surroundings(variables: ["PORT": "4000", "REDIS_URL": "redis://a"])

        #expect(try surroundings.port(5000, "PORT", default: 3000) == 5000)
        #expect(try surroundings.port(nil, "PORT", default: 3000) == 4000)
        #expect(try surroundings.port(nil, "OTHER", default: 3000) == 3000)
        #expect(surroundings.text("redis://b", "REDIS_URL") == "redis://b")
        #expect(surroundings.text(nil, "REDIS_URL") == "redis://a")
    }

    @Test func emptyVariableCountsAsUnset() {
        #expect(Surroundings(variables: ["LOG_LEVEL": ""]).text(nil, "LOG_LEVEL") == nil)
    }

    @Test(arguments: ["abc", "0", "-1", "65536", "3000.5", " 3000"])
    func badPortNamesItsVariable(text: String) throws {
        let surroundings = Surroundings(variables: ["PORT": text])

        let failure = try #require(throws: CommandFailure.self) {
            try surroundings.port(nil, "PORT", default: 3000)
        }

        #expect(failure.code == .usage)
        #expect(failure.message.contains("PORT is"))
    }

    @Test func badChoiceListsTheChoicesAndGuesses() throws {
        let surroundings = Surroundings(variables: ["SERVICE": "paymets"])

        let failure = try #require(throws: CommandFailure.self) {
            let _: SystemService = try surroundings.choice(
                nil, "SERVICE", flag: "--service", default: .users)
        }

        #expect(failure.code == .usage)
        #expect(failure.message.contains("SERVICE is “paymets”"))
        #expect(failure.message.contains(SystemService.list))
        #expect(failure.remedy == "--service payments")
    }
}
