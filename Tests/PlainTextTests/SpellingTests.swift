import PlainText
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SpellingTests {
    @Test(arguments: [
        ("", "", 0), ("", "abc", 3), ("order", "order", 0), ("order", "orders", 1),
        ("orders", "roders", 1), ("abcd", "badc", 2), ("kitten", "sitting", 3), ("ab", "ba", 1),
        ("abc", "ca", 3),
    ])
    func distancesAreCounted(one: String, other: String, distance: Int) {
        #expect(Spelling.distance(one, other) == distance)
        #expect(Spelling.distance(other, one) == distance)
    }

    @Test func theNearestIsFoundOfThoseThatAreNear() {
        #expect(Spelling.nearest(to: "ordres", of: ["users", "orders"]) == "orders")
        #expect(Spelling.nearest(to: "ab", of: ["bb", "aa"]) == "aa", "of two the first by name")
        #expect(Spelling.nearest(to: "x", of: ["orders"]) == nil)
    }

    @Test(arguments: [
        ("tial", "tail"), ("dcotor", "doctor"), ("UP", "up"), ("gatewy", "gateway"),
    ])
    func slipsAreUnderstood(typed: String, meant: String) {
        let names = ["up", "serve", "gateway", "tail", "saga", "check", "doctor"]
        #expect(Spelling.slip(typed, of: names) == meant)
    }

    @Test func nonsenseIsNotGuessed() {
        #expect(Spelling.slip("frobnicate", of: ["up", "serve", "gateway"]) == nil)
        #expect(Spelling.slip("xy", of: ["up"]) == nil)
        #expect(Spelling.slip("x", of: []) == nil)
        #expect(Spelling.slip(String(repeating: "up", count: 1_000_000), of: ["up"]) == nil)
    }
}
