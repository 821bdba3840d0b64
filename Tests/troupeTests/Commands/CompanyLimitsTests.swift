import Saga
import Testing

@testable import troupe

/// How often companies may be called, as options and variables say.
@Suite(.timeLimit(.minutes(1)))
struct CompanyLimitsTests {
    private let company = OutsideCompany("bank", opensAfter: 20)

    @Test func whoSaysNothingLeavesTheCompanyAsItIs() throws {
        let limits = try CompanyLimits(in: EnvironmentOptions(variables: [:]))

        #expect(limits.applied(to: company) == company)
        #expect(limits.variables.isEmpty)
    }

    @Test func anOptionGoesBeforeItsVariableAndAChildIsToldTheSame() throws {
        let variables = ["TROUPE_COMPANY_RATE": "5", "TROUPE_COMPANY_ACCIDENTS": "0"]
        let limits = try CompanyLimits(rate: "50", in: EnvironmentOptions(variables: variables))

        let limited = limits.applied(to: company)
        #expect(limited.callsPerSecond == 50)
        #expect(limited.opensAfter == nil)
        let child = try CompanyLimits(in: EnvironmentOptions(variables: limits.variables))
        #expect(child == limits)
    }

    @Test(arguments: ["0", "-1", "many", "1.5"]) func whatIsNoRateIsAUsageError(_ text: String) {
        let failure = #expect(throws: CommandFailure.self) {
            try CompanyLimits(rate: text, in: EnvironmentOptions(variables: [:]))
        }

        #expect(failure?.code == .usage)
    }
}
