import Foundation
import SagaTestKit
import Testing

/// Thousands of courses of events, each decided by its seed.
@Suite(.timeLimit(.minutes(10)))
struct SimulationTests {
    /// More of them with `TROUPE_SIMULATION_SEEDS`.
    private static let seeds =
        ProcessInfo.processInfo.environment["TROUPE_SIMULATION_SEEDS"].flatMap { UInt64($0) } ?? 200

    @Test func withoutFaultsEverySagaEndsAsItShould() async throws {
        try await expectNothingWrong(in: .calm, seeds: min(Self.seeds, 50))
    }

    @Test func whateverGoesWrongEverySagaEndsAsItShould() async throws {
        try await expectNothingWrong(in: .faulty)
    }

    @Test func whatAStoreThatGoesBackStillKnowsEndsAsItShould() async throws {
        try await expectNothingWrong(in: .forgetful)
    }

    @Test func whatOnlyTheBooksKnowIsFoundThereAndTakenBack() async throws {
        try await expectNothingWrong(in: .lossy)
    }

    @Test func whoStandsStillDelaysAndLosesNothing() async throws {
        try await expectNothingWrong(in: .slow, seeds: min(Self.seeds, 100))
    }

    @Test func whatABankIsAskedAboutEndsAsItShould() async throws {
        try await expectNothingWrong(in: .asking)
    }

    @Test func withoutBooksWhatIsNotLostEndsAsItShould() async throws {
        try await expectNothingWrong(in: .bookless, seeds: min(Self.seeds, 100))
    }

    private func expectNothingWrong(
        in kind: ShopKind, seeds: UInt64 = seeds
    ) async throws {
        for seed in 0..<seeds {
            let found = try await Self.faults(seed, kind)
            #expect(found.isEmpty, "tools/simulate --seed \(seed) --kind \(kind): \(found)")
        }
    }

    /// A simulation keeps its thread for as long as it takes, which is to be none of those on
    /// which all other tests wait for each other.
    private static func faults(_ seed: UInt64, _ kind: ShopKind) async throws -> [String] {
        try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(with: Result { try ShopSimulation(seed: seed, kind).faults() })
            }.start()
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
