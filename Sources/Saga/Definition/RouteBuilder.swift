/// What a route is made of: a leg, what finishes one, a leg of before.
public struct RoutePart: Sendable {
    package private(set) var leg: RouteLeg?
    package private(set) var finish: RouteFinish?
    package private(set) var former: RouteFormerLeg?

    package init(_ leg: RouteLeg) { self.leg = leg }

    package init(_ finish: RouteFinish) { self.finish = finish }

    package init(_ former: RouteFormerLeg) { self.former = former }
}

/// Gathers the legs of a route.
@resultBuilder
public enum RouteBuilder {
    /// One leg.
    public static func buildExpression(
        _ leg: Leg<some Sendable, some SagaEvent, some FailureEvent, some SagaEvent>
    ) -> RoutePart {
        RoutePart(leg.content)
    }

    /// What finishes a leg.
    public static func buildExpression(
        _ leg: FinishingLeg<some SagaEvent, some SagaEvent>
    ) -> RoutePart {
        RoutePart(leg.content)
    }

    /// A leg of before.
    public static func buildExpression(
        _ leg: FormerLeg<some FailureEvent, some UndoneEvent>
    ) -> RoutePart {
        RoutePart(leg.content)
    }

    /// All legs of a block.
    public static func buildBlock(_ parts: RoutePart...) -> [RoutePart] { parts }
}
