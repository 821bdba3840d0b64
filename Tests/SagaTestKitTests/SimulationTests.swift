import Foundation
import SagaTestKit
import Testing

/// Thousands of courses of events, each decided by its seed.
@Suite(.timeLimit(.minutes(5)))
struct SimulationTests {
    /// More of them with `TROUPE_SIMULATION_SEEDS`.
    private static let seeds =
        ProcessInfo.processInfo.environment["TROUPE_SIMULATION_SEEDS"].flatMap { UInt64($0) } ?? 200

    @Test func withoutFaultsEverySagaEndsAsItShould() throws {
        for seed in UInt64(0)..<50 {
            let faults = try ShopSimulation(seed: seed, faults: .none).faults()
            #expect(faults.isEmpty, "seed \(seed): \(faults)")
        }
    }

    @Test func whateverGoesWrongEverySagaEndsAsItShould() throws {
        for seed in UInt64(0)..<Self.seeds {
            let faults = try ShopSimulation(seed: seed).faults()
            #expect(faults.isEmpty, "seed \(seed): \(faults)")
        }
    }

    /// With processes alive, and outages longer than what is left of a deadline.
    @Test func whatAStoreThatGoesBackStillKnowsEndsAsItShould() throws {
        var faults = SimulationFaults()
        faults.rollbacks = 0.2
        faults.losses = 0
        faults.clockJumps = 0
        faults.outage = .seconds(40)
        for seed in UInt64(0)..<Self.seeds {
            let found = try ShopSimulation(seed: seed, faults: faults).faults()
            #expect(found.isEmpty, "seed \(seed): \(found)")
        }
    }

    @Test func whatOnlyTheBooksKnowIsFoundThereAndTakenBack() throws {
        var faults = SimulationFaults()
        faults.clockJumps = 0
        faults.losses = 1
        for seed in UInt64(0)..<Self.seeds {
            let found = try ShopSimulation(seed: seed, faults: faults).faults()
            #expect(found.isEmpty, "seed \(seed): \(found)")
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
