/// What is wrong with the companies that a participant's steps call.
extension Participant {
    /// Of the steps of this route.
    var companyFaults: [String] {
        var known: [String: OutsideCompany] = [:]
        var faults: [String] = []
        for step in steps {
            guard let company = step.company else { continue }
            if !step.actsOutside {
                faults.append("step '\(step.name)' works on records alone, and calls a company")
            }
            guard let other = known.updateValue(company, forKey: company.name) else {
                faults += company.faults
                continue
            }
            if other != company { faults.append("'\(company.name)' is declared in two ways") }
        }
        return faults
    }

    /// One rate and one breaker are of all routes, so a company is the same on each.
    var companyFaultsBetweenRoutes: [String] {
        var known: [String: (company: OutsideCompany, route: String)] = [:]
        var faults: [String] = []
        for part in onEachRoute {
            for company in part.steps.compactMap(\.company) {
                guard let other = known[company.name] else {
                    known[company.name] = (company, part.route)
                    continue
                }
                guard other.route != part.route, other.company != company else { continue }
                faults.append(
                    "'\(company.name)' is declared in two ways, on '\(other.route)' and on "
                        + "'\(part.route)'")
            }
        }
        return faults
    }
}
