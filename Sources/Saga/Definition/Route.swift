/// The way of a saga through its participants, as one value that all of them share.
///
///     begins ──▶ leg ──▶ leg ──▶ … ──▶ pivot ──▶ completed ──▶ finishing legs
///                  └──────┴── a failure, a request ──▶ undone … ──▶ cancelled
///
/// It names the legs in an order in which they can run. Who undoes on what, who answers with what
/// and for whom a cancelled saga waits follows from it, and is listed nowhere.
///
/// A leg may have a condition: then its participant skips it where it is not needed, says so, and
/// is asked like all others to undo and to finish; it answers that there is nothing to do.
///
/// A leg undoes when a leg fails that does not follow from it: what follows waits for its success,
/// and fails for itself alone before anything behind it has begun. What waits for the failed leg,
/// by however many others, never ran, and is not asked.
public struct Route: Sendable {
    /// Its name, a part of idempotency keys: never change it while sagas run.
    public let name: String
    package let ends: RouteEnds
    /// In an order in which they can run.
    package let legs: [RouteLeg]
    package let finishes: [RouteFinish]
    package let former: [RouteFormerLeg]

    /// Names a route.
    public init(
        _ name: String,
        owner: RouteOwner<some Sendable, some SagaEvent, some ReasonEvent, some ReasonEvent>,
        @RouteBuilder legs: () -> [RoutePart]
    ) {
        let parts = legs()
        self.name = name
        ends = owner.content
        self.legs = parts.compactMap(\.leg)
        finishes = parts.compactMap(\.finish)
        former = parts.compactMap(\.former)
    }

    /// Every type of event that is said on the way.
    public var events: [any SagaEvent.Type] {
        ends.events + legs.flatMap(\.events) + finishes.flatMap(\.events)
    }

    /// Who takes part besides the owner, each once, in the order of their legs.
    public var participants: [String] {
        var seen: Set<String> = []
        return legs.map(\.participant).filter { seen.insert($0).inserted }
    }

    // MARK: - What follows

    /// The events on which a leg undoes.
    package func undoes(_ leg: RouteLeg) -> [EventKind] {
        guard leg.undone != nil else { return [] }
        let failures = legs.filter { awaits(leg, after: $0) }.map(\.failure)
        return failures + [ends.request]
    }

    /// Who has to answer before a saga is cancelled in which that leg failed.
    package func awaited(after failed: RouteLeg) -> [String] {
        legs.filter { awaits($0, after: failed) }.map(answerer)
    }

    /// Who has to answer a request.
    package var awaitedOnRequest: [String] {
        legs.filter { $0.undone != nil }.map(answerer)
    }

    /// By which events those who are awaited answer.
    package var answers: [String: [EventKind]] {
        var answers: [String: [EventKind]] = [:]
        for leg in legs {
            if let undone = leg.undone { answers[answerer(leg)] = [undone, leg.failure] }
        }
        for leg in former { answers[answerer(leg)] = leg.answers }
        return answers
    }

    /// Who says that it has finished once a saga went through, by which events and names.
    ///
    /// Whose leg was not needed has nothing to finish, and says that.
    package var reports: [(name: String, kinds: [EventKind])] {
        finishes.compactMap { finish in
            guard let kind = finish.emits else { return nil }
            let leg = legs.first { $0.name == finish.name }
            let skipped = leg?.condition.map { [$0.skipped] } ?? []
            return (leg.map(answerer) ?? finish.name, [kind] + skipped)
        }
    }

    /// By which events those are asked to undo who have to answer, by the names under which they
    /// are awaited.
    package var questions: [String: LifecycleQuestion] {
        var questions: [String: LifecycleQuestion] = [:]
        for leg in legs {
            guard let undone = leg.undone else { continue }
            questions[answerer(leg)] = LifecycleQuestion(
                participant: leg.participant, step: leg.step, asks: undoes(leg),
                answers: [undone, leg.failure])
        }
        return questions
    }

    /// The same for who has to finish.
    package var finishQuestions: [String: LifecycleQuestion] {
        var questions: [String: LifecycleQuestion] = [:]
        for (name, kinds) in reports {
            let step = legs.first { answerer($0) == name }?.step ?? name
            questions[name] = LifecycleQuestion(
                participant: kinds[0].owner, step: step, asks: [ends.completed], answers: kinds)
        }
        return questions
    }

    /// How a participant hears of the end of a saga, where it does nothing else about it.
    ///
    /// The owner knows the ends, and hears who has finished after them. Who finishes on the pivot
    /// has heard it then.
    package func ends(heardBy name: String) -> [(kind: EventKind, news: SagaEnd.News)] {
        guard name != ends.owner else {
            return reports.flatMap { report in
                report.kinds.map { ($0, .finished(by: report.name)) }
            }
        }
        let cancelled: [(EventKind, SagaEnd.News)] = [(ends.cancelled, .cancelled)]
        let finishes = finishes.contains { $0.participant == name }
        return finishes ? cancelled : cancelled + [(ends.completed, .completed)]
    }

    /// What is said in place of some events, by their types, by legs that are not needed.
    package func substitutes(for triggers: [EventKind]) -> [String: EventKind] {
        var substitutes: [String: EventKind] = [:]
        for trigger in triggers {
            substitutes[trigger.type] = saying(trigger.type)?.condition?.skipped
        }
        return substitutes
    }

    /// The leg whose success is of a type.
    func saying(_ type: String) -> RouteLeg? { legs.first { $0.success.type == type } }

    /// The name under which an owner's ledger awaits a leg: its participant, and the step if the
    /// participant has an earlier leg.
    package func answerer(_ leg: RouteLeg) -> String {
        let isFirst = legs.first { $0.participant == leg.participant }?.step == leg.step
        return isFirst ? leg.participant : "\(leg.participant)/\(leg.step)"
    }

    /// The same for a leg of before.
    package func answerer(_ leg: RouteFormerLeg) -> String {
        let others = legs.contains { $0.participant == leg.participant }
        return others ? "\(leg.participant)/\(leg.step)" : leg.participant
    }

    private func awaits(_ leg: RouteLeg, after failed: RouteLeg) -> Bool {
        leg.undone != nil && leg.name != failed.name && !follows(leg, failed)
    }

    /// Whether a leg waits for another's success, directly or by way of others.
    private func follows(_ leg: RouteLeg, _ other: RouteLeg) -> Bool {
        var reached: Set<String> = [other.success.type]
        for next in legs where next.triggers.contains(where: { reached.contains($0.type) }) {
            if next.name == leg.name { return true }
            reached.insert(next.success.type)
        }
        return false
    }
}
