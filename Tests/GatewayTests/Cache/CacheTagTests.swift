import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(3)))
struct CacheTagTests {
    @Test(arguments: [
        ("42", "order:42"), ("a b", "order:a%20b"), ("}{*", "order:%7D%7B%2A"),
        ("a:b", "order:a%3Ab"), ("%20", "order:%2520"), ("é\r\n", "order:%C3%A9%0D%0A"),
    ])
    func identifiersCannotLeaveTheirPlace(identifier: String, text: String) {
        #expect(CacheTag("order", identifier).text == text)
        #expect(CacheTag(encoded: text) == CacheTag("order", identifier))
    }

    @Test func spellingsOfOneUUIDAreOneTag() {
        let capitals = "0190A7C2-7D1E-7C3A-8B2F-2A1B3C4D5E6F"

        #expect(CacheTag("order", capitals) == CacheTag("order", capitals.lowercased()))
        #expect(CacheTag("order", "ABC") != CacheTag("order", "abc"))
    }

    @Test func longIdentifiersBecomeDigests() {
        let long = CacheTag("order", String(repeating: "x", count: 10_000))
        let other = CacheTag("order", String(repeating: "y", count: 10_000))

        #expect(long.text.utf8.count <= CacheTag.maximumLength)
        #expect(long != other)
    }

    @Test(arguments: ["", "order:{1}", "a b", "*", "a\n"])
    func foreignTextsAreNoTags(text: String) {
        #expect(CacheTag(encoded: text) == nil)
    }

    @Test func templateFillsItsFields() throws {
        let template = try TagTemplate("stock:{data.productId}:{subject}")
        let values = ["data.productId": "7", "subject": "a/b"]

        #expect(template.fields == ["data.productId", "subject"])
        #expect(template.tag { values[$0] } == CacheTag(encoded: "stock:7:a%2Fb"))
    }

    @Test func templateWithoutAValueGivesNoTag() throws {
        let template = try TagTemplate("order:{subject}")

        #expect(template.tag { _ in nil } == nil)
        #expect(template.tag { _ in "" } == nil)
    }

    @Test func templateAndTagAgree() throws {
        #expect(try TagTemplate("order:{id}").tag { _ in "a b:c" } == CacheTag("order", "a b:c"))
    }

    @Test(arguments: ["", "order:{", "order:{}", "order:{a b}", "order {a}", "order:a}"])
    func faultyTemplatesAreRefused(source: String) {
        #expect(throws: TagTemplate.SyntaxError.self) { try TagTemplate(source) }
    }
}
