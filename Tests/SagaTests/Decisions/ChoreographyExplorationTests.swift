import SagaTestKit
import Testing

/// Every order in which the order saga's events can be delivered, on the real machines.
///
/// Each published event reaches each consumer at least once, in any order and again at any
/// later time; each step succeeds, fails, or acts and then dies, fails after all, gives up or
/// becomes a dead letter; cancellation may be asked for at any moment; and one delivery may be
/// lost for good, while a saga is not past its pivot. Each rule that the machines keep is also left
/// out, which has to show.
@Suite(.timeLimit(.minutes(2)))
struct ChoreographyExplorationTests {
    @Test func everyOrderOfDeliveriesEndsWell() throws {
        let explored = try RouteExploration(OrderSaga.all).run()

        #expect(explored.violation == nil)
        #expect(explored.states > 500)
    }

    private static let rules = RouteExploration.Rule.allCases.filter {
        !RouteExploration.Rule.ofSkipping.contains($0)
    }

    @Test(arguments: rules)
    func everyRuleIsNeeded(_ rule: RouteExploration.Rule) throws {
        let explored = try RouteExploration(OrderSaga.all, without: rule).run()

        #expect(explored.violation != nil, "nothing breaks without \(rule)")
    }
}
