import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(3)))
struct EnvironmentOptionsTests {
    @Test func optionWinsOverVariable() throws {
        let environment = EnvironmentOptions(variables: ["PORT": "4000", "REDIS_URL": "redis://a"])

        #expect(try environment.port(5000, "PORT", default: 3000) == 5000)
        #expect(try environment.port(nil, "PORT", default: 3000) == 4000)
        #expect(try environment.port(nil, "OTHER", default: 3000) == 3000)
        #expect(environment.text("redis://b", "REDIS_URL") == "redis://b")
        #expect(environment.text(nil, "REDIS_URL") == "redis://a")
    }

    @Test func emptyVariableCountsAsUnset() {
        #expect(EnvironmentOptions(variables: ["LOG_LEVEL": ""]).text(nil, "LOG_LEVEL") == nil)
    }

    @Test(arguments: ["abc", "0", "-1", "65536", "3000.5", " 3000"])
    func badPortNamesItsVariable(text: String) throws {
        let environment = EnvironmentOptions(variables: ["PORT": text])

        let failure = try #require(throws: CommandFailure.self) {
            try environment.port(nil, "PORT", default: 3000)
        }

        #expect(failure.code == .usage)
        #expect(failure.message.contains("PORT is"))
    }

    @Test func badChoiceListsTheChoicesAndGuesses() throws {
        let environment = EnvironmentOptions(variables: ["SERVICE": "paymets"])

        let failure = try #require(throws: CommandFailure.self) {
            let _: SystemService = try environment.choice(
                nil, "SERVICE", flag: "--service", default: .users)
        }

        #expect(failure.code == .usage)
        #expect(failure.message.contains("SERVICE is “paymets”"))
        #expect(failure.message.contains(SystemService.list))
        #expect(failure.remedy == "--service payments")
    }
}
