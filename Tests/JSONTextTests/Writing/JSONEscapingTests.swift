import JSONText
import Testing

@Suite(.timeLimit(.minutes(1)))
struct JSONEscapingTests {
    @Test(arguments: [
        ("", #""""#), ("plain é😀\u{7F}\u{2028}/", "\"plain é😀\u{7F}\u{2028}/\""),
        ("a\"\\\n\r\t\u{0}\u{8}\u{1F}", #""a\"\\\n\r\t\u0000\u0008\u001f""#),
    ])
    func whatJSONDemandsIsEscaped(text: String, json: String) {
        #expect(String(decoding: [UInt8](quoting: text), as: UTF8.self) == json)
    }

    @Test func moreIsEscapedOnDemand() {
        var bytes: [UInt8] = []

        bytes.append(escaped: "a\n\u{7F}\u{2028}é😀", also: { !$0.isASCII || $0 == "\u{7F}" })

        #expect(String(decoding: bytes, as: UTF8.self) == #"a\n\u007f\u2028\u00e9😀"#)
    }
}
