import OrderContracts
import Saga
import SagaTestKit
import Testing

/// Every order in which the events of an order can be delivered to the order system's own four.
@Suite(.timeLimit(.minutes(2)))
struct OrderExplorationTests {
    private static let participants =
        SimulatedServices(SimulatedCompanies(Simulation(seed: 0))).participants

    @Test func theyAreAllOfTheRoute() {
        let names = Self.participants.map(\.name)

        #expect(Set(names) == Set([OrderSaga.owner] + Route.order.participants))
    }

    @Test func everyOrderOfDeliveriesEndsWell() throws {
        let explored = try RouteExploration(Self.participants).run()

        #expect(explored.violation == nil)
        #expect(explored.states > 500)
    }

    /// Its four have no leg that a saga may not need.
    private static let rules = RouteExploration.Rule.allCases.filter {
        ![.skippedAnswers, .skippedIsUndoneFirst, .skippedIsTakenBack, .othersGoOnWithoutIt]
            .contains($0)
    }

    @Test(arguments: rules) func everyRuleIsNeeded(_ rule: RouteExploration.Rule) throws {
        let explored = try RouteExploration(Self.participants, without: rule).run()

        #expect(explored.violation != nil, "nothing breaks without \(rule)")
    }

    @Test func nothingEndsWellWhereOneIsMissing() {
        for position in Self.participants.indices {
            let missing = Self.participants[position].name
            let others = Self.participants.filter { $0.name != missing }
            #expect(throws: SagaError.self) { try RouteExploration(others) }
        }
    }
}
