import Foundation
import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(1)))
struct InitCommandTests {
    private let here = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    private let nothing = EnvironmentOptions(variables: [:])

    @Test func aCheckoutIsFoundAboveTheProgram() throws {
        let source = try InitCommand.source(
            nil, in: nothing, program: "\(here)/.build/release/../release/troupe")
        #expect(source == .checkout(here))
    }

    @Test func anOptionWinsOverItsVariableAndBothOverTheProgram() throws {
        let variable = EnvironmentOptions(variables: ["TROUPE_PACKAGE": "https://a.example/troupe"])
        #expect(
            try InitCommand.source(nil, in: variable, program: "\(here)/troupe")
                == .repository("https://a.example/troupe"))
        #expect(
            try InitCommand.source("\(here)/Sources/..", in: variable, program: "/usr/bin/troupe")
                == .checkout(here))
    }

    @Test func withoutTroupeThereIsANextStep() throws {
        for option in [nil, "/nowhere"] {
            let failure = #expect(throws: CommandFailure.self) {
                try InitCommand.source(option, in: nothing, program: "/usr/bin/troupe")
            }
            #expect(failure?.code == .usage)
            #expect(failure?.remedy?.contains("--troupe") == true)
        }
    }
}
