import Foundation
import SagaTestKit
import Testing

/// Thousands of courses of events, each decided by its seed.
@Suite(.timeLimit(.minutes(10)))
struct SimulationTests {
    /// More of them with `TROUPE_SIMULATION_SEEDS`.
    private static let seeds =
        ProcessInfo.processInfo.environment["TROUPE_SIMULATION_SEEDS"].flatMap { UInt64($0) } ?? 300

    @Test func withoutFaultsEverySagaEndsAsItShould() async throws {
        try await expectNothingWrong(in: .calm, seeds: min(Self.seeds, 50))
    }

    @Test func whateverGoesWrongEverySagaEndsAsItShould() async throws {
        try await expectNothingWrong(in: .faulty)
    }

    @Test func whatAStoreThatGoesBackStillKnowsEndsAsItShould() async throws {
        try await expectNothingWrong(in: .forgetful)
    }

    @Test func whoeverWasOvertakenChangesNothing() async throws {
        try await expectNothingWrong(in: .overtaken)
    }

    @Test func whatIsGoneProvesNothing() async throws {
        try await expectNothingWrong(in: .aftermath)
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

    /// Whatever differs between processes, as the order of what is in a set does.
    @Test(arguments: [
        ["--seed", "3", "--kind", "faulty"], ["--seed", "1", "--kind", "lossy"],
        ["--seeds", "3", "--kind", "slow"],
    ])
    func theSameSeedsGiveTheSameOutputInEveryProcess(_ arguments: [String]) throws {
        let first = try Self.simulate(arguments)
        let second = try Self.simulate(arguments)

        #expect(first.exitCode == 0)
        #expect(!first.output.isEmpty)
        #expect(first.output == second.output)
        #expect(first.talk == second.talk)
    }

    private static func simulate(
        _ arguments: [String]
    ) throws -> (exitCode: Int32, output: Data, talk: Data) {
        // Where the tests were built, the program was, too.
        let tests = CommandLine.arguments.first { $0.contains(".xctest") }
        var folder = URL(filePath: try #require(tests))
        while folder.path.contains(".xctest") { folder.deleteLastPathComponent() }
        let process = Process()
        process.executableURL = folder.appending(path: "simulate")
        process.arguments = arguments
        let (output, talk) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = talk
        try process.run()
        // What it says on stderr fits into the pipe.
        let said = output.fileHandleForReading.readDataToEndOfFile()
        let talked = talk.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, said, talked)
    }
}
