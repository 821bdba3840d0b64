import JSONText
import Testing

@Suite(.timeLimit(.minutes(1)))
struct StrictJSONParserTests {
    @Test(arguments: [
        ("null", StrictJSON.null), (" true\n", .bool(true)), ("false", .bool(false)),
        ("0", .integer(0)), ("-0", .integer(0)), ("9223372036854775807", .integer(.max)),
        ("-9223372036854775808", .integer(.min)),
        ("9223372036854775808", .decimal(9_223_372_036_854_775_808)),
        ("1.0", .decimal(1)), ("1e2", .decimal(100)), ("-1.5E-1", .decimal(-0.15)),
        ("\"\"", .string("")), (#""a\"\\\/\b\f\n\r\tb""#, .string("a\"\\/\u{8}\u{C}\n\r\tb")),
        (#""\u00e9\uD83D\uDE00""#, .string("é😀")), ("\"é😀\"", .string("é😀")),
        ("[]", .array([])), ("[ 1 , [ ] ]", .array([.integer(1), .array([])])),
        ("{}", .object([])),
        (
            "{\"b\":1,\"a\":{}}",
            .object([.init(name: "b", value: .integer(1)), .init(name: "a", value: .object([]))])
        ),
    ])
    func acceptsWhatTheStandardAllows(text: String, value: StrictJSON) throws {
        #expect(try StrictJSON.parse(Array(text.utf8)) == value)
    }

    @Test(arguments: [
        "", " ", "nul", "nulll", "True", "undefined", "NaN", "Infinity", "-", "+1", "01", "-01",
        ".5", "5.", "1e", "1e+", "0x10", "1_000", "1e400", "-1e400", "'a'", "\"", "\"a", "\"\\\"",
        "\"\\x41\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"",
        "\"\\udc00\"", "\"\\ud800x\"", "\"a\nb\"", "\"\u{0}\"", "\"\t\"", "[", "]", "[1", "[1,",
        "[1,]", "[,1]", "[1 2]", "[1,,2]", "{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1,",
        "{\"a\":1,}", "{,}", "{a:1}", "{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "1 2", "{}{}",
        "{} x", "[1]]", "// c\n1", "1 /* c */", "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}",
        "\u{FEFF}1", "\u{A0}1", "\u{2028}1",
    ])
    func refusesEverythingElse(text: String) {
        #expect(throws: JSONFault.self) { try StrictJSON.parse(Array(text.utf8)) }
    }

    @Test(arguments: [
        [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
    ])
    func refusesWhatIsNotUTF8(bytes: [UInt8]) {
        #expect(throws: JSONFault.self) { try StrictJSON.parse(bytes) }
    }

    @Test func nestingEndsAt64Levels() throws {
        func nested(_ levels: Int, _ open: String, _ close: String) -> [UInt8] {
            Array(
                (String(repeating: open, count: levels) + String(repeating: close, count: levels))
                    .utf8)
        }

        #expect(throws: Never.self) { try StrictJSON.parse(nested(64, "[", "]")) }
        #expect(throws: JSONFault.self) { try StrictJSON.parse(nested(65, "[", "]")) }
        #expect(throws: JSONFault.self) {
            try StrictJSON.parse(Array(String(repeating: "[", count: 100_000).utf8))
        }
        #expect(throws: JSONFault.self) {
            try StrictJSON.parse(Array(String(repeating: "{\"a\":", count: 100_000).utf8))
        }
    }

    @Test func aFaultSaysWhereItLies() {
        let fault = #expect(throws: JSONFault.self) {
            try StrictJSON.parse(Array(#"{"a": 1, "a": 2}"#.utf8))
        }
        #expect(fault?.offset == 9)
        #expect(fault?.message == "the object has a second member of this name")
    }

    @Test func noInputOfRandomBytesBreaksIt() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array(#"{}[]:,"\u0041 -+.eE019tfn"#.utf8) + [0x00, 0x0A, 0x80, 0xC3, 0xFF]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...24, using: &random)).compactMap { _ in
                alphabet.randomElement(using: &random)
            }
            guard let value = try? StrictJSON.parse(bytes) else { continue }
            let text = JSONWriter.object { $0.set("v", value: value) }
            #expect((try? StrictJSON.parse(text))?["v"] == value)
        }
    }
}
