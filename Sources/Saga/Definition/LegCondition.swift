extension Leg {
    /// Names when the leg is needed: if it is not, its step does not run, and the saga goes on.
    ///
    ///     ProductReserved ──holds───▶ arrange ──▶ ShipmentArranged
    ///                     └─does not──▶ nothing is done ──▶ ShippingSkipped
    ///
    ///     static let arrange = Leg(…, on: ProductReserved.self, emits: ShipmentArranged.self, …)
    ///         .when("physical", otherwise: ShippingSkipped.self) { $0.isPhysical }
    ///
    /// What waits for the leg's success waits for `ShipmentArranged?.self` then, and gets nil.
    /// Everything else follows: asked to undo, or to finish, the participant answers that there
    /// is nothing of the kind to do, and no block of the step runs. But for one case: what comes
    /// again of an event that another version of the service may have acted on is undone first.
    ///
    /// - Parameters:
    ///   - name: what it asks, `physical`. A part of the route: what it says under this name
    ///     never changes while sagas run.
    ///   - skipped: the event that says that the leg was not needed.
    ///   - holds: whether it is needed. Pure: it is asked again for what comes again.
    public func when<Skipped: SkippedEvent>(
        _ name: String, otherwise skipped: Skipped.Type,
        _ holds: @escaping @Sendable (Input) -> Bool
    ) -> Self {
        let kind = EventKind(skipped)
        var leg = self
        leg.content.conditions.append(
            RouteCondition(
                name: name, skipped: kind,
                holds: { [read] payloads throws(SagaError) in holds(try read(payloads)) },
                say: { try PlannedTransition(Transition(Skipped()), kind) }))
        leg.content.events.append(skipped)
        return leg
    }
}

/// When a leg is needed, without its Swift types.
package struct RouteCondition: Sendable {
    package var name: String
    /// What is said in place of the leg's success.
    package var skipped: EventKind
    package var holds: @Sendable (JoinedPayloads) throws(SagaError) -> Bool
    package var say: @Sendable () throws -> PlannedTransition
}
