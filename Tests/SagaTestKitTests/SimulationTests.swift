import SagaTestKit
import Testing

/// Thousands of courses of events, each decided by its seed.
@Suite(.timeLimit(.minutes(5)))
struct SimulationTests {
    @Test func withoutFaultsEverySagaEndsAsItShould() throws {
        for seed in UInt64(0)..<50 {
            let faults = try ShopSimulation(seed: seed, faults: .none).faults()
            #expect(faults.isEmpty, "seed \(seed): \(faults)")
        }
    }

    @Test func whateverGoesWrongEverySagaEndsAsItShould() throws {
        for seed in UInt64(0)..<200 {
            let faults = try ShopSimulation(seed: seed).faults()
            #expect(faults.isEmpty, "seed \(seed): \(faults)")
        }
    }

    @Test func theSameSeedGivesTheSameTrace() throws {
        for seed in UInt64(0)..<3 {
            let traces = try (0..<2).map { _ in
                let shop = ShopSimulation(seed: seed, isTraced: true)
                _ = try shop.faults()
                return shop.simulation.trace.text
            }
            #expect(traces[0] == traces[1])
        }
    }
}
