/// What a running participant declares, for those who have to know and share no code with it.
///
/// Each start replaces what the one before has noted, so what stands there is of the version that
/// was started last, and no larger than its declaration.
package struct Declaration: Hashable, Sendable {
    /// Each type of event that it may emit, with the version: `OrderCreated/1`.
    package let emits: [String]
    /// Each that it consumes, with its owner: `payment.PaymentProcessed/1`.
    package let consumes: [String]
    /// The name of its route, with a digest of it if the participant was made for a whole one; of
    /// each, if there are several.
    package let route: String

    package init(_ plan: ParticipantPlan) {
        let consumed = plan.consumedKinds.filter { !$0.isAgain }
        // What it tells itself as well.
        let own = consumed.filter { $0.owner == plan.name }
        emits = Self.list(plan.emittedKinds + own) { "\($0.type)/\($0.version)" }
        consumes = Self.list(consumed) { "\($0.owner).\($0.type)/\($0.version)" }
        route = plan.onEachRoute.map { $0.route + ($0.routeDigest.map { " " + $0 } ?? "") }
            .joined(separator: ", ")
    }

    /// The names of the routes in what stands there.
    package static func routes(in text: String) -> [String] {
        text.split(separator: ",").compactMap { $0.split(separator: " ").first.map(String.init) }
    }

    private static func list(_ kinds: [EventKind], _ name: (EventKind) -> String) -> [String] {
        Set(kinds.map(name)).sorted()
    }

    /// What stands in its hash: lists are of words.
    package var fields: [String: String] {
        [
            "emits": emits.joined(separator: " "), "consumes": consumes.joined(separator: " "),
            "route": route,
        ]
    }
}
