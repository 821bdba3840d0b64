import Saga

/// How often payments and shipping may call their companies, and when these count as down.
struct CompanyLimits: Equatable, Sendable {
    /// Calls a second of each; nil for as many as come.
    var callsPerSecond: Int?
    /// Accidents in a row; 0 for never, nil for the default.
    var opensAfter: Int?

    private static let rateVariable = "TROUPE_COMPANY_RATE"
    private static let accidentsVariable = "TROUPE_COMPANY_ACCIDENTS"

    /// From the options, or the variables.
    init(
        rate: String? = nil, accidents: String? = nil, in environment: EnvironmentOptions
    ) throws(CommandFailure) {
        callsPerSecond = try environment.count(
            rate, Self.rateVariable, what: "the rate of calls to a company", within: 1...100_000,
            remedy: "--company-rate 100")
        opensAfter = try environment.count(
            accidents, Self.accidentsVariable,
            what: "the number of accidents after which a company counts as down",
            within: 0...100_000, remedy: "--company-accidents 20, or 0 for never")
    }

    /// The company with these limits in place of its own.
    func applied(to company: OutsideCompany) -> OutsideCompany {
        var company = company
        if let callsPerSecond { company.callsPerSecond = callsPerSecond }
        if let opensAfter { company.opensAfter = opensAfter == 0 ? nil : opensAfter }
        return company
    }

    /// The same for a child.
    var variables: [String: String] {
        var variables: [String: String] = [:]
        variables[Self.rateVariable] = callsPerSecond.map(String.init)
        variables[Self.accidentsVariable] = opensAfter.map(String.init)
        return variables
    }
}
