import OrderContracts
import Testing

@Suite(.timeLimit(.minutes(1)))
struct EntityIDTests {
    @Test(arguments: [
        "1", "0190a7c2-7d1e-7c3a-8b2f-2a1b3c4d5e6f", "A_b-9", String(repeating: "x", count: 64),
    ])
    func wellFormedTextsAreIDs(_ text: String) {
        #expect(OrderID(text)?.text == text)
        #expect(UserID(text) != nil)
        #expect(ProductID(text) != nil)
    }

    @Test(arguments: [
        "", " ", "a b", "{1}", "1\n", "ü", "a/b", "a%20", ".", "..", "a.b", "*", "1\u{0}",
        String(repeating: "x", count: 65), String(repeating: "1", count: 10_240),
    ])
    func anythingElseIsNone(_ text: String) {
        #expect(OrderID(text) == nil)
    }
}
