import Foundation
import Saga
import SagaTestKit
import Testing

/// The simulator finds what is planted, so it would notice if the engine broke one of these rules.
@Suite(.timeLimit(.minutes(60)), .enabled(if: PlantedFault.canBePlanted))
struct PlantedFaultTests {
    private static let isLong = ProcessInfo.processInfo.environment["TROUPE_LONG_TESTS"] == "1"

    /// Those that show within a few seeds.
    private static let atOnce: [PlantedFault] = [
        .noTombstone, .doKeyOfEachTry, .undoUnderDoKey, .undoKeyOfEachTry, .undoIsImpossible,
        .noLedger, .writesBeforeChecks, .conditionsUnchecked, .ledgersExpireAtBirth,
        .conditionIgnored, .skippedIsNoAnswer, .skippedHasNothingToSay, .lastLegIsPivot,
        .deliveriesCountAsDeaths, .epochsIgnored, .horizonIgnored, .birthIgnored, .undoneUnasked,
    ]

    @Test(arguments: atOnce) func whatShowsAtOnceIsFoundAtOnce(_ fault: PlantedFault) throws {
        #expect(try seed(that: fault, showsIn: 60) != nil)
    }

    @Test(.enabled(if: isLong)) func everyPlantedFaultIsFound() throws {
        var seeds: [UInt64] = []
        for fault in PlantedFault.allCases {
            let seed = try seed(that: fault, showsIn: 1000)
            #expect(seed != nil, "\(fault) is not found in \(fault.kind)")
            seeds.append(seed ?? 1000)
        }

        #expect(seeds.sorted()[seeds.count / 2] < 100, "\(zip(PlantedFault.allCases, seeds))")
    }

    /// The first seed in which something is wrong; nil if nothing is in any.
    private func seed(that fault: PlantedFault, showsIn count: UInt64) throws -> UInt64? {
        try PlantedFault.plant(fault) {
            try (0..<count).first { seed in
                try !ShopSimulation(seed: seed, fault.kind).faults().isEmpty
            }
        }
    }
}
