/// One service's part in its sagas: its steps, and the sagas' life if it begins them.
///
/// A declaration does nothing by itself; a runtime validates it and runs it.
public struct Participant: Sendable {
    /// The service's name: the owner of its events, the name of its consumer groups, and the
    /// hash tag of its keys.
    public let name: String
    /// The name of the sagas' route, the same for all who take part: `order`.
    ///
    /// It is part of idempotency keys: never change it while sagas run.
    public let route: String
    /// Its steps, in their order of declaration.
    public let steps: [Step]
    /// The life of the sagas that it begins.
    public var lifecycle: Lifecycle? { lifecycles.first }

    let lifecycles: [Lifecycle]

    /// Declares a participant.
    public init(
        _ name: String, route: String = "saga",
        @ParticipantBuilder parts: () -> [any ParticipantPart]
    ) {
        let parts = parts()
        self.name = name
        self.route = route
        steps = parts.compactMap { $0 as? Step }
        lifecycles = parts.compactMap { $0 as? Lifecycle }
    }
}

/// What a participant is made of: steps and a lifecycle.
public protocol ParticipantPart: Sendable {}

extension Step: ParticipantPart {}
extension Lifecycle: ParticipantPart {}

/// Gathers the parts of a participant.
@resultBuilder
public enum ParticipantBuilder {
    /// One part.
    public static func buildExpression(_ part: some ParticipantPart) -> [any ParticipantPart] {
        [part]
    }

    /// All parts of a block.
    public static func buildBlock(_ parts: [any ParticipantPart]...) -> [any ParticipantPart] {
        parts.flatMap { $0 }
    }

    /// The parts of an `if` without `else`.
    public static func buildOptional(_ parts: [any ParticipantPart]?) -> [any ParticipantPart] {
        parts ?? []
    }

    /// The parts of the first branch.
    public static func buildEither(first: [any ParticipantPart]) -> [any ParticipantPart] { first }

    /// The parts of the second branch.
    public static func buildEither(second: [any ParticipantPart]) -> [any ParticipantPart] {
        second
    }
}
