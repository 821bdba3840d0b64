import Saga

/// One stream that a participant consumes.
final class ConsumedStream: Sendable {
    let key: String
    let channel: String
    let owner: String
    let consumed: ParticipantPlan.Consumed

    /// Steps that act outside when an event of this type comes, and so look at the ledger first:
    /// whether they may, and how their keys are made.
    let stepsActingOutside: [String]

    var type: String { consumed.kind.type }

    private init(
        key: String, channel: String, owner: String, consumed: ParticipantPlan.Consumed
    ) {
        self.key = key
        self.channel = channel
        self.owner = owner
        self.consumed = consumed
        stepsActingOutside = consumed.roles.compactMap { role in
            switch role {
            case .start(let step), .finish(let step, _), .compensate(let step, _):
                step.actsOutside ? step.name : nil
            case .pivot, .heard, .deadline: nil
            }
        }
    }

    /// All streams of a participant; those of one owner lie next to each other.
    static func all(of plan: ParticipantPlan, names: SagaKeys) -> [ConsumedStream] {
        plan.consumed.values
            .map { consumed in
                ConsumedStream(
                    key: names.stream(consumed.kind.type, owner: consumed.kind.owner),
                    channel: names.channel(consumed.kind.type), owner: consumed.kind.owner,
                    consumed: consumed)
            }
            .sorted { ($0.owner, $0.type) < ($1.owner, $1.type) }
    }
}
