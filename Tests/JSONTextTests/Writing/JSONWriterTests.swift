import JSONText
import Testing

@Suite(.timeLimit(.minutes(1)))
struct JSONWriterTests {
    private func text(_ write: (inout JSONWriter) -> Void) -> String {
        String(decoding: JSONWriter.object(write), as: UTF8.self)
    }

    @Test func membersKeepTheirOrderAndNoSpaceIsWritten() {
        let text = text { json in
            json.set("z", 1)
            json.set("a", "b")
            json.set("flag", true)
            json.setNull("none")
            json.set("total") { total in
                total.set("amount", Int64.min)
                total.set("currency", "EUR")
            }
            json.set("items", each: [1, 2]) { $1.set("n", $0) }
            json.set("tags", texts: ["x", "y"])
            json.set("empty") { _ in }
            json.set("raw", json: Array("[1,2]".utf8))
        }

        #expect(
            text
                == #"{"z":1,"a":"b","flag":true,"none":null,"#
                + #""total":{"amount":-9223372036854775808,"currency":"EUR"},"#
                + #""items":[{"n":1},{"n":2}],"tags":["x","y"],"empty":{},"raw":[1,2]}"#)
    }

    @Test func missingValuesAreLeftOut() {
        let text = text { json in
            json.set("a", String?.none)
            json.set("b", Int?.none)
            json.set("c", Bool?.none)
        }
        #expect(text == "{}")
    }

    @Test func textsAreEscaped() throws {
        let nasty = "\"\\\n\r\t\u{0}\u{1F}\u{7F}é😀</script>"
        let bytes = JSONWriter.object { $0.set(nasty, nasty) }

        #expect(try StrictJSON.parse(bytes)[nasty] == .string(nasty))
        #expect(bytes.allSatisfy { $0 >= 0x20 })
    }
}
