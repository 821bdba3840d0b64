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
    /// The steps that ask a person, each behind its route: `order.charge`.
    package let asks: [String]

    package init(_ plan: ParticipantPlan) {
        let consumed = plan.consumedKinds.filter { !$0.isAgain }
        // What it tells itself as well.
        let own = consumed.filter { $0.owner == plan.name }
        emits = Self.list(plan.emittedKinds + own) { "\($0.type)/\($0.version)" }
        consumes = Self.list(consumed) { "\($0.owner).\($0.type)/\($0.version)" }
        route = plan.onEachRoute.map { $0.route + ($0.routeDigest.map { " " + $0 } ?? "") }
            .joined(separator: ", ")
        asks = plan.onEachRoute.flatMap { part in
            part.steps.filter { $0.unknown.policy == .park }
                .map { Self.asking($0.name, on: part.route) }
        }.sorted()
    }

    /// The names of the routes in what stands there.
    package static func routes(in text: String) -> [String] {
        text.split(separator: ",").compactMap { $0.split(separator: " ").first.map(String.init) }
    }

    /// Whether a step asks a person, by what stands there.
    package static func asks(_ step: String, on route: String, in text: String) -> Bool {
        text.split(separator: " ").contains { $0 == asking(step, on: route) }
    }

    private static func asking(_ step: String, on route: String) -> String { "\(route).\(step)" }

    private static func list(_ kinds: [EventKind], _ name: (EventKind) -> String) -> [String] {
        Set(kinds.map(name)).sorted()
    }

    /// What stands in its hash: lists are of words.
    package var fields: [String: String] {
        [
            "emits": emits.joined(separator: " "), "consumes": consumes.joined(separator: " "),
            "route": route, "asks": asks.joined(separator: " "),
        ]
    }
}
