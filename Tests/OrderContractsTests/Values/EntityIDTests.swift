import Foundation
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

    /// Swift's `UUID().uuidString` writes capitals.
    @Test func uuidsAreReadInAnyCaseAndWrittenInLowerCase() throws {
        let capitals = "0190A7C2-7D1E-7C3A-8B2F-2A1B3C4D5E6F"
        let decoded = try JSONDecoder().decode([OrderID].self, from: Data("[\"\(capitals)\"]".utf8))

        #expect(OrderID(capitals) == OrderID(capitals.lowercased()))
        #expect(decoded.map(\.text) == [capitals.lowercased()])
        #expect(OrderID("Not-A-UUID")?.text == "Not-A-UUID")
        #expect(OrderID("0190A7C2_7D1E-7C3A-8B2F-2A1B3C4D5E6F")?.text.contains("A7C2") == true)
    }

    @Test(arguments: [
        "", " ", "a b", "{1}", "1\n", "ü", "a/b", "a%20", ".", "..", "a.b", "*", "1\u{0}",
        String(repeating: "x", count: 65), String(repeating: "1", count: 10_240),
    ])
    func anythingElseIsNone(_ text: String) {
        #expect(OrderID(text) == nil)
    }
}
