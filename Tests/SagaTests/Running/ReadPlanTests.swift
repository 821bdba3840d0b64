import SagaTestKit
import Testing

@testable import Saga

@Suite(.timeLimit(.minutes(1)))
struct ReadPlanTests {
    private static let bytes = 32 * 1024 * 1024
    private let now = ContinuousClock.now

    private static func plan(_ streams: Range<Int>) -> ReadPlan {
        ReadPlan(streams, bytesMaximum: bytes)
    }

    @Test func whatCanBeReadIsReadTogether() {
        #expect(Self.plan(2..<5).reads(at: now) == [[2, 3, 4]])
        #expect(Self.plan(2..<5).pauseEnd == nil)
    }

    @Test func aReadThatFailsIsTriedStreamByStream() {
        var plan = Self.plan(2..<5)
        plan.failed([2, 3, 4], until: now)
        #expect(plan.reads(at: now) == [[2], [3], [4]])

        plan.worked([2])
        plan.failed([3], until: now + .seconds(1))
        plan.worked([4])
        #expect(plan.reads(at: now) == [[2, 4]])
        #expect(plan.pauseEnd == nil)
        #expect(plan.reads(at: now + .seconds(1)) == [[2, 4], [3]])
        #expect(plan.failures(of: [3]) == 1)

        plan.worked([3])
        #expect(plan.reads(at: now) == [[2, 3, 4]])
    }

    @Test func withoutAnyThatCanBeReadThePauseIsWaitedFor() {
        var plan = Self.plan(0..<1)
        plan.failed([0], until: now + .seconds(1))
        plan.failed([0], until: now + .seconds(2))
        #expect(plan.reads(at: now).isEmpty)
        #expect(plan.failures(of: [0]) == 2)
        #expect(plan.pauseEnd == now + .seconds(2))
    }

    // MARK: - How much

    @Test func aReadThatIsTooLargeIsCutDownToOneEntry() {
        var plan = Self.plan(0..<3)
        #expect(plan.portion(of: [0, 1, 2]).count == 256)

        for count in [64, 16, 4, 1, 1, 1] {
            plan.wasTooLarge([1])
            #expect(plan.portion(of: [1]).count == count)
            #expect(plan.reads(at: now) == [[0, 2], [1]])
        }

        #expect(plan.portion(of: [0, 2]).count == 256)
        #expect(plan.portion(of: [1]).bytes == Self.bytes / 256)
        #expect(plan.portion(of: [1]).entryBytes == Self.bytes, "nothing was tried alone yet")
    }

    @Test func ofSeveralEachIsReadByItself() {
        var plan = Self.plan(0..<3)
        plan.wasTooLarge([0, 1, 2])
        #expect(plan.reads(at: now) == [[0], [1], [2]])
        #expect(plan.portion(of: [2]).count == 64)
    }

    @Test func aFaultyStreamThatIsCutKeepsItsPause() {
        var plan = Self.plan(0..<2)
        plan.wasTooLarge([0])
        plan.failed([0], until: now + .seconds(1))
        #expect(plan.reads(at: now) == [[1]])
        #expect(plan.reads(at: now + .seconds(1)) == [[1], [0]])
    }

    @Test func itGrowsAgainStepByStepAsFarAsSizesAllow() {
        var plan = Self.plan(0..<2)
        for _ in 0..<4 { plan.wasTooLarge([0]) }
        let steps: [(entries: Int, bytes: Int, count: Int)] = [
            (1, 5 << 20, 1), (1, 4 << 20, 4), (4, 16 << 20, 4),
            (4, 4 << 20, 16), (0, 0, 16), (16, 16 << 18, 64), (10, 10 << 16, 256),
        ]
        for step in steps {
            plan.brought(step.entries, bytes: step.bytes, of: 0)
            #expect(plan.portion(of: [0]).count == step.count, "\(step)")
        }
        #expect(plan.reads(at: now) == [[0, 1]])
    }

    @Test func eachTimeThatItGrewInVainItWaitsLonger() {
        var plan = Self.plan(0..<1)
        for _ in 0..<2 { plan.wasTooLarge([0]) }
        for reads in [1, 2, 4, 8, 16, 32, 64, 64] {
            for _ in 0..<reads {
                #expect(plan.portion(of: [0]).count == 16)
                plan.brought(16, bytes: 16_000, of: 0)
            }
            #expect(plan.portion(of: [0]).count == 64)
            plan.wasTooLarge([0])
        }
    }

    @Test func whatComesNearTheLimitIsCutBeforeItFails() {
        var plan = Self.plan(0..<2)
        plan.brought(5, bytes: 20 << 20, of: 0)
        #expect(plan.portion(of: [0]).count == 64)
        for _ in 0..<9 { plan.brought(5, bytes: 20 << 20, of: 0) }
        #expect(plan.portion(of: [0]).count == 1)
        plan.brought(1, bytes: 31 << 20, of: 0)
        #expect(plan.portion(of: [0]).count == 1)
    }

    @Test func whatCannotBeFetchedAloneIsNamedIfItIsLarge() {
        var plan = Self.plan(0..<1)
        plan.fetchFailed(0, ["1-0", "2-0"])
        plan.fetchFailed(0, ["1-0"])
        plan.fetchFailed(0, ["1-0"])
        #expect(plan.portion(of: [0]).entryBytes == Self.bytes)
        plan.fetchFailed(0, ["2-0"])
        plan.fetchFailed(0, ["2-0"])
        #expect(plan.portion(of: [0]).entryBytes == Self.bytes, "each is tried three times")
        plan.fetchFailed(0, ["2-0"])
        #expect(plan.portion(of: [0]).entryBytes == 1 << 20)

        plan.brought(1, bytes: 0, of: 0)

        #expect(plan.portion(of: [0]).entryBytes == Self.bytes)
    }

    /// Whatever entries there are, everything comes, in few reads more than it has to take.
    @Test func anyMixtureOfSizesComesThroughWithFewFailures() {
        var random = SeededRandom(seed: 7)
        for _ in 0..<100 {
            var plan = Self.plan(0..<1)
            let large = random.below(100), size = 1 << random.below(25)
            var rest = (0..<500).map { _ in random.below(100) < large ? size : 300 }[...]
            var failures = 0
            while !rest.isEmpty {
                let read = rest.prefix(plan.portion(of: [0]).count)
                if read.reduce(0, +) > Self.bytes {
                    failures += 1
                    plan.wasTooLarge([0])
                    continue
                }
                plan.brought(read.count, bytes: read.reduce(0, +), of: 0)
                rest = rest.dropFirst(read.count)
            }
            #expect(failures <= 40, "\(large) in 100 of \(size) bytes: \(failures)")
        }
    }
}
