import Testing

@testable import OrderService

@Suite(.timeLimit(.minutes(1)))
struct IdempotencyKeyTests {
    @Test func digestsAreShortAndHarmlessWhateverTheKey() {
        let digests = ["", "{order}", "*", String(repeating: "k", count: 10_000)].map {
            IdempotencyKey($0).digest
        }
        #expect(Set(digests).count == 4)
        #expect(digests.allSatisfy { $0.count == 32 && $0.allSatisfy(\.isHexDigit) })
    }
}
