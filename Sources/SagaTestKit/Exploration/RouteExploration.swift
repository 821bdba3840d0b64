public import Saga

/// Every order in which the events of a route can be delivered to those who take part in it.
///
///     participants ─▶ what each event means to each ─▶ every world that can come of it
///                                                          │
///               states, and the first violation  ◀─────────┘
///
/// Each published event reaches each consumer at least once, in any order and again at any later
/// time. Each step succeeds, fails, or acts and then dies, fails after all, gives up or becomes a
/// dead letter. Cancellation may be asked for at any moment; and one delivery may be lost for good,
/// while the saga is not past its pivot. In the end everything was done once, or nothing is left of
/// it, and there is no state without a way to such an end.
///
///     let explored = try RouteExploration([TripSaga.trips, TripSaga.hotels]).run()
///     #expect(explored.violation == nil)
///
/// What participants declare decides where events go and what they do; the engine's own rules
/// decide what follows. What steps do is not run: any of them may come to any end.
public struct RouteExploration {
    /// What came of an exploration.
    public struct Outcome: Sendable {
        /// How many worlds were visited.
        public var states: Int
        /// What must not be, and is in some world; nil if nothing is.
        public var violation: String?
    }

    /// A rule that can be left out, which has to show.
    package enum Rule: String, CaseIterable, Sendable {
        case tombstone, failureIsAnAnswer, earlyAnswersCount, cancellingNeverCompletes, ledger
        case lastLegIsUndone, takeBack, failureAfterUnknownUndoes, letterLeavesATrace
        case somebodyAsksAgain, whoIsAskedAgainAnswers
        case skippedAnswers, skippedIsUndoneFirst, skippedIsTakenBack, othersGoOnWithoutIt
    }

    let plans: [ParticipantPlan]
    let lifecycle: Lifecycle
    let without: Rule?
    /// Legs that have something to finish after the pivot.
    let finishing: Set<String>
    /// Whose step is not needed in this saga.
    let skipping: Set<String>
    /// Whether others run the same steps, of a version that has no conditions.
    let hasOldVersions: Bool

    /// An exploration of all who take part in a route.
    ///
    /// - Parameters:
    ///   - participants: all of them, its owner too.
    ///   - skipping: participants whose legs the saga does not need; each of these has a condition.
    /// - Throws: `invalidDefinition`, listing what does not fit together.
    public init(
        _ participants: [Participant], skipping: Set<String> = []
    ) throws(SagaError) {
        try self.init(participants, skipping: skipping, hasOldVersions: false)
    }

    package init(
        _ participants: [Participant], skipping: Set<String> = [], hasOldVersions: Bool = false,
        without rule: Rule? = nil
    ) throws(SagaError) {
        var plans: [ParticipantPlan] = []
        for participant in participants { plans.append(try ParticipantPlan(participant)) }
        var faults = Participant.faults(between: participants)
        let legs = plans.flatMap { plan in plan.steps.map { (plan.name, $0) } }
        for name in skipping.sorted()
        where !legs.contains(where: { $0.0 == name && $0.1.condition != nil }) {
            faults.append("'\(name)' has no leg with a condition, so that none can be skipped")
        }
        if plans.count(where: { $0.lifecycle != nil }) != 1 {
            faults.append("one participant has to oversee the route")
        }
        guard faults.isEmpty, let lifecycle = plans.compactMap(\.lifecycle).first else {
            throw SagaError(.invalidDefinition, faults.joined(separator: "; "))
        }
        self.plans = plans
        self.lifecycle = lifecycle
        self.skipping = skipping
        self.hasOldVersions = hasOldVersions
        without = rule
        finishing = Set(
            legs.filter { !$0.1.finishes.isEmpty }.map { Self.leg($0.1, of: $0.0) })
    }

    /// The name of a leg among all of a route.
    static func leg(_ step: Step, of participant: String) -> String {
        "\(participant)/\(step.name)"
    }

    /// Asking again heals also what breaks without these.
    var asks: Bool {
        ![.somebodyAsksAgain, .earlyAnswersCount, .failureIsAnAnswer].contains(without)
    }

    /// What breaks without a loss need not be looked for among losses.
    private var loses: Bool {
        [nil, .somebodyAsksAgain, .whoIsAskedAgainAnswers].contains(without) && !hasOldVersions
    }

    // MARK: - Exploring

    /// Visits every world, up to the first in which something is wrong.
    public func run() -> Outcome {
        let legs = plans.flatMap { plan in plan.steps.map { Self.leg($0, of: plan.name) } }
        let start = World(
            order: .pending, parts: Dictionary(uniqueKeysWithValues: legs.map { ($0, Part()) }),
            published: [lifecycle.begins.type], canLose: loses)
        var seen: Set<World> = [start]
        var waiting = [start]
        var before: [World: [World]] = [:]
        while let world = waiting.popLast() {
            if let violation = violation(in: world) {
                return Outcome(states: seen.count, violation: violation)
            }
            for next in successors(of: world) {
                before[next, default: []].append(world)
                if seen.insert(next).inserted { waiting.append(next) }
            }
        }
        return Outcome(states: seen.count, violation: stuck(seen, before))
    }

    /// Every state has to have a way to an end.
    private func stuck(_ seen: Set<World>, _ before: [World: [World]]) -> String? {
        var reaching = seen.filter {
            $0.order.status == .completed || $0.order.status == .cancelled
        }
        var waiting = Array(reaching)
        while let world = waiting.popLast() {
            for earlier in before[world] ?? [] where reaching.insert(earlier).inserted {
                waiting.append(earlier)
            }
        }
        return seen.first { !reaching.contains($0) }.map { "no way to an end from \($0)" }
    }
}
