import JSONText
import Testing

@Suite(.timeLimit(.minutes(3)))
struct JSONPartTests {
    @Test(arguments: [
        "null", " true ", "0", "-0", "1.5e+10", "1e400", #""a\u00e9\n""#, #""\ud83d\ude00""#,
        "[]", "[1, [2]]", "{}", #"{"a": {"b": [1, "x"]}}"#, "\"ü\"",
    ])
    func oneValueIsAccepted(_ text: String) {
        #expect(JSONPart(text.utf8) != nil)
    }

    @Test(arguments: [
        "", " ", "nul", "truee", "01", "+1", "1.", ".5", "1e", "'a'", "\"a", #""\x""#, #""\u12g4""#,
        #""\ud800""#, #""\udc00""#, #""\ud800\u0041""#, "\"a\nb\"", "[1,]", "[,1]", "[1 2]", "[",
        "{", #"{"a"}"#, #"{"a":1,}"#, #"{a:1}"#, #"{"a":1 "b":2}"#, "1 2", "{}{}", "NaN", "//x",
    ])
    func anythingElseIsRefused(_ text: String) {
        #expect(JSONPart(text.utf8) == nil)
    }

    @Test func depthAndEncodingAreLimited() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(JSONPart(deep.utf8) == nil)
        let nested = String(repeating: "[", count: 63) + String(repeating: "]", count: 63)
        #expect(JSONPart(nested.utf8) != nil)
        #expect(JSONPart([UInt8(ascii: "\""), 0xFF, UInt8(ascii: "\"")]) == nil)
    }

    @Test func membersAreFoundByName() throws {
        let text = #"{"id": 7, "a\"b": "x", "user": {"id": "u\u0031"}, "twice": 1, "twice": 2}"#
        let document = try #require(JSONPart(text.utf8))

        #expect(document.member("id")?.scalarText == "7")
        #expect(document.member("a\"b")?.scalarText == "x")
        #expect(document.member("user")?.member("id")?.scalarText == "u1")
        #expect(document.member("user")?.scalarText == nil)
        #expect(document.member("twice") == nil)
        #expect(document.member("none") == nil)
    }

    @Test func selectionKeepsOrderAndValues() throws {
        let document = try #require(JSONPart(#"{"a": 1, "b": [1, 2], "c": {"d": null}}"#.utf8))

        let selected = try #require(document.selecting(["c", "a"]))

        #expect(String(decoding: selected, as: UTF8.self) == #"{"a":1,"c":{"d": null}}"#)
    }
}
