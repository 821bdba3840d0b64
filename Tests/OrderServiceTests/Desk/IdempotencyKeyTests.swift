import Testing

@testable import OrderService

@Suite(.timeLimit(.minutes(1)))
struct IdempotencyKeyTests {
    @Test func quotedAndBareNameTheSameKey() {
        #expect(IdempotencyKey(header: #""abc-1""#)?.text == "abc-1")
        #expect(IdempotencyKey(header: "abc-1")?.text == "abc-1")
    }

    @Test func escapesAreResolved() {
        #expect(IdempotencyKey(header: #""a\"b\\c""#)?.text == #"a"b\c"#)
    }

    @Test(arguments: [
        "", "\"", "\"\"", "\"a", "a\"", "\"a\"b\"", "\"a\\\"", "\"a\\n\"", "a\u{7f}", "ü",
        String(repeating: "k", count: 256),
    ])
    func malformedKeysAreRefused(_ header: String) {
        #expect(IdempotencyKey(header: header) == nil)
    }

    @Test func digestsAreShortWhateverTheKey() {
        let long = IdempotencyKey(header: String(repeating: "{", count: 255))
        #expect(long?.digest.count == 32)
    }
}
