import Gateway
import Testing

@Suite(.timeLimit(.minutes(1)))
struct UnsentShareTests {
    @Test func aLoneSlowReaderMayHoldAllThatAllLoopsMay() {
        var share = UnsentShare(limit: 100, loops: 4)
        for loop in 0..<3 { #expect(share.cuts([], of: loop) == 0) }

        #expect(share.cuts([100], of: 3) == 0)
        #expect(share.cuts([60, 41], of: 3) == 1)
        #expect(share.cuts([41], of: 3) == 0)
    }

    @Test func theLargestOfAllLoopsGoesFirst() {
        var share = UnsentShare(limit: 100, loops: 4)
        #expect(share.cuts([80, 10], of: 0) == 0)
        #expect(share.cuts([20], of: 1) == 0, "80 is larger")
        #expect(share.cuts([5], of: 2) == 0)

        #expect(share.cuts([80, 10], of: 0) == 1)

        for (loop, sizes) in [[10], [20], [5], []].enumerated() {
            #expect(share.cuts(sizes, of: loop) == 0)
        }
    }

    /// However much all hold, a round or two of telling brings them below the limit.
    @Test func togetherTheyNeverKeepMoreThanTheLimit() {
        var random = SystemRandomNumberGenerator()
        for _ in 1...100 {
            let limit = Int.random(in: 1...1_000, using: &random)
            var share = UnsentShare(limit: limit, loops: 4)
            var loops = (0..<4).map { _ in
                (0..<Int.random(in: 0...20, using: &random)).map { _ in
                    Int.random(in: 1...200, using: &random)
                }.sorted(by: >)
            }
            let before = loops.joined().reduce(0, +)
            var cut: [Int] = []
            for _ in 0..<(80 * 2) {
                for loop in loops.indices {
                    let cuts = share.cuts(loops[loop], of: loop)
                    cut += loops[loop].prefix(cuts)
                    loops[loop].removeFirst(cuts)
                }
            }
            let kept = loops.joined().reduce(0, +)
            #expect(kept <= limit)
            #expect(before > limit || cut.isEmpty)
            #expect(before <= limit || kept + (cut.max() ?? 0) > limit)
        }
    }
}
