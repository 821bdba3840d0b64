/// One stream that a participant consumes.
package final class ConsumedStream: Sendable {
    /// What a person finds it by.
    package let key: String
    package let owner: String
    /// What its events mean, on all routes together.
    package let consumed: ParticipantPlan.Consumed
    /// The same on each route, in the order in which the participant declares them.
    package let meanings: [(route: String, consumed: ParticipantPlan.Consumed)]

    /// Steps that act outside when an event of this type comes, and so look at the ledger first:
    /// whether they may, and how their keys are made; and those that may have nothing to finish.
    package let stepsActingOutside: [String]

    /// Whether its events start a step that acts outside, and so may wait for long.
    package let callsOutside: Bool

    /// What each of its events says of the end of its saga, if that is all it means here.
    package let news: SagaEnd.News?

    package var type: String { consumed.kind.type }

    /// - Parameter isShared: whether what its events mean depends on their route: then nothing is
    ///   concluded before that is known.
    private init(
        key: String, consumed: ParticipantPlan.Consumed,
        meanings: [(route: String, consumed: ParticipantPlan.Consumed)], isShared: Bool
    ) {
        self.key = key
        self.meanings = meanings
        self.owner = consumed.kind.owner
        self.consumed = consumed
        callsOutside = consumed.started.contains(where: \.actsOutside)
        guard !isShared else {
            (stepsActingOutside, news) = ([], nil)
            return
        }
        stepsActingOutside = consumed.roles.compactMap { role in
            switch role {
            case .start(let step), .inPlace(_, .start(let step)), .compensate(let step, _):
                step.actsOutside ? step.name : nil
            case .finish(let step, _):
                step.actsOutside || step.condition != nil ? step.name : nil
            case .again, .end, .pivot, .join, .inPlace, .heard, .unclaimed, .inquiry, .deadline:
                nil
            }
        }
        guard consumed.roles.count == 1, case .end(let news) = consumed.roles[0] else {
            self.news = nil
            return
        }
        self.news = news
    }

    /// All streams of a participant; those of one owner lie next to each other.
    package static func all(
        of plan: ParticipantPlan, key: (EventKind) -> String
    ) -> [ConsumedStream] {
        var all = plan.consumed
        for part in plan.further {
            all.merge(part.consumed) {
                ParticipantPlan.Consumed(kind: $0.kind, roles: $0.roles + $1.roles)
            }
        }
        return all.values
            .map { consumed in
                let meanings = plan.onEachRoute.compactMap { part in
                    part.consumed[consumed.kind.type].map { (route: part.route, consumed: $0) }
                }
                return ConsumedStream(
                    key: key(consumed.kind), consumed: consumed, meanings: meanings,
                    isShared: !plan.further.isEmpty)
            }
            .sorted { ($0.owner, $0.type) < ($1.owner, $1.type) }
    }
}
