import JSONText
import Testing

@Suite(.timeLimit(.minutes(1)))
struct JSONScannerTests {
    @Test(arguments: [
        "null", " true\n", "-0", "1.5e+10", "1e400", #""a\u00e9\n\/""#, #""\uD83d\ude00""#,
        "\"ü😀\"",
        "[]", "[1, [2, {}]]", #"{"a": {"b": [1, "x"]}, "a": 2}"#,
    ])
    func aValueIsSteppedOver(_ text: String) {
        #expect(fault(text) == nil)
    }

    @Test(arguments: [
        ("", "unexpected end"), ("nul", "unknown word"), ("01", "expected a value"),
        ("+1", "expected a value"), ("1.", "expected a digit"), ("1e", "expected a digit"),
        ("\"a", "string without an end"), (#""a\"#, "string without an end"),
        ("\"a\nb\"", "control character in a string"), (#""\x""#, "broken escape before"),
        (#""\u12g4""#, "broken escape before"), (#""\u-000""#, "broken escape before"),
        (#""\u+041""#, "broken escape before"), (#""\u12""#, "broken escape before"),
        (#""\ud800""#, "half a surrogate pair before"),
        (#""\udc00""#, "half a surrogate pair before"),
        (#""\ud800\u0041""#, "half a surrogate pair before"),
        (#""\ud800\ue000""#, "half a surrogate pair before"),
        ("[1,]", "expected a value"), ("[1 2]", "expected ]"), (#"{"a"}"#, "expected :"),
        (#"{"a":1,}"#, "expected \""), ("{a:1}", "expected \""), ("NaN", "expected a value"),
    ])
    func whatIsNoValueIsRefused(_ text: String, message: String) {
        #expect(fault(text)?.message == message)
    }

    @Test func brokenUTF8IsRefused() {
        #expect(fault(bytes: [0x22, 0xC3, 0x22])?.message == "broken UTF-8")
        #expect(fault(bytes: [0x22, 0x5C, 0x6E, 0xC3, 0x22])?.message == "broken UTF-8 before")
    }

    @Test func aFaultSaysWhereItIs() {
        #expect(fault(#"{"a": 01}"#)?.offset == 8)
    }

    @Test func nestingIsLimited() {
        func nested(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }

        #expect(fault(nested(128)) == nil)
        #expect(fault(nested(129))?.message == "nested too deeply")
        #expect(fault(String(repeating: "[", count: 100_000))?.message == "nested too deeply")
        #expect(fault(nested(3), depthMaximum: 2)?.message == "nested too deeply")
    }

    /// What is refused without making the string, and what making it refuses, is the same.
    @Test func aCheckedStringCanBeMade() {
        let pieces = [
            "a", "\\n", "\\u00e9", "\\ud83d", "\\ude00", "\\u", "00", "\\", "é", "😀", "\u{7F}",
            "\\/",
        ]
        var made = 0
        for _ in 0..<50_000 {
            var text = Array("\"".utf8)
            for _ in 0..<Int.random(in: 0..<6) { text += (pieces.randomElement() ?? "").utf8 }
            text += "\"".utf8
            if Bool.random(), text.count > 2 { text[Int.random(in: 1..<text.count - 1)] = 0xA9 }
            text.withUnsafeBufferPointer { bytes in
                var checking = JSONScanner(bytes)
                var making = JSONScanner(bytes)
                let checked = Result { try checking.text() }
                let string = Result {
                    let place = try making.uncheckedText()
                    return try making.string(place)
                }
                switch (checked, string) {
                case (.success, .success): made += 1
                case (.failure(let one), .failure(let other)):
                    #expect(one as? JSONFault == other as? JSONFault)
                default: Issue.record("\(text): \(checked), \(string)")
                }
            }
        }
        #expect(made > 1000)
    }

    private func fault(_ text: String, depthMaximum: Int = 128) -> JSONFault? {
        fault(bytes: Array(text.utf8), depthMaximum: depthMaximum)
    }

    private func fault(bytes: [UInt8], depthMaximum: Int = 128) -> JSONFault? {
        bytes.withUnsafeBufferPointer { bytes in
            var scanner = JSONScanner(bytes, depthMaximum: depthMaximum)
            do throws(JSONFault) {
                _ = try scanner.skipValue()
                return nil
            } catch {
                return error
            }
        }
    }
}
