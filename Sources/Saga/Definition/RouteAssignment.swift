/// The legs of one participant on a route, and what it declares for them.
struct RouteAssignment {
    let route: Route
    let name: String
    private(set) var steps: [Step] = []
    private(set) var lifecycles: [Lifecycle] = []
    /// What is missing, what is too much, and what does not fit.
    private(set) var faults: [String] = []

    init(_ route: Route, _ name: String, _ parts: [any ParticipantPart]) {
        self.route = route
        self.name = name
        faults = route.faults.map { "route '\(route.name)': \($0)" }
        for part in parts { add(part) }
        let declared = Set(parts.compactMap { ($0 as? Perform)?.leg.name })
        let missing = route.legs.filter { $0.participant == name && !declared.contains($0.name) }
        for leg in missing { faults.append("nothing is declared for leg \(leg.step)") }
        checkFinishes(parts.compactMap { $0 as? Perform })
        checkOwner()
        if !faults.isEmpty { faults.append("of route '\(route.name)' \(route.outline)") }
    }

    private mutating func add(_ part: any ParticipantPart) {
        switch part {
        case let part as Perform: add(part)
        case let part as Oversee:
            faults += part.faults(on: route)
            lifecycles.append(part.lifecycle(of: route))
        case let part as Step:
            faults.append("step '\(part.name)' is declared beside the route's legs")
        default:
            faults.append("a lifecycle is declared beside the route's own")
        }
    }

    private mutating func add(_ part: Perform) {
        let line = RouteDigest.line(part.leg)
        guard let leg = route.legs.first(where: { $0.name == part.leg.name }) else {
            faults.append("\(part.leg.step) (\(part.leg.participant)) is not a leg of the route")
            return
        }
        if leg.participant != name {
            faults.append("leg \(leg.step) is for '\(leg.participant)' to declare")
        } else if RouteDigest.line(leg) != line {
            faults.append("\(leg.step) is declared for another leg of that name: \(line)")
        }
        faults += part.faults
        steps.append(part.step(of: leg, on: route))
    }

    private mutating func checkFinishes(_ parts: [Perform]) {
        let declared = parts.flatMap { part in part.finishes.map { (part.leg, $0.leg) } }
        let lines = declared.map { RouteDigest.line($0.1) }
        for finish in route.finishes
        where finish.participant == name && !lines.contains(RouteDigest.line(finish)) {
            faults.append("nothing is declared for what finishes leg \(finish.step)")
        }
        let known = route.finishes.map(RouteDigest.line)
        for (leg, finish) in declared
        where leg.name != finish.name || !known.contains(RouteDigest.line(finish)) {
            faults.append(
                "what finishes \(finish.name) is declared on leg \(leg.step), not its own")
        }
    }

    private mutating func checkOwner() {
        let isOwner = route.ends.owner == name
        if isOwner, lifecycles.isEmpty {
            faults.append("it owns the route and does not oversee it")
        }
        if !isOwner, !lifecycles.isEmpty {
            faults.append("it oversees the route, which '\(route.ends.owner)' owns")
        }
        if !isOwner, !route.legs.contains(where: { $0.participant == name }) {
            faults.append("'\(name)' has no leg on the route")
        }
    }
}
