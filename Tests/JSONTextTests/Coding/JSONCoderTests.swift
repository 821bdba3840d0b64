import JSONText
import Testing

@Suite(.timeLimit(.minutes(1)))
struct JSONCoderTests {
    private struct Note: Codable, Equatable {
        var title: String
        var pages: [Int]
        var isRead: Bool?
    }

    @Test func aValueComesBackAsItWentOut() throws {
        let note = Note(title: "a/\"é\n", pages: [1, -2], isRead: nil)

        let text = try JSONCoder.encode(note)

        #expect(String(decoding: text, as: UTF8.self) == #"{"title":"a/\"é\n","pages":[1,-2]}"#)
        #expect(try JSONCoder.decode(Note.self, from: text) == note)
        #expect(try JSONCoder.decode(Note.self, fromChecked: text) == note)
    }

    @Test func whatIsNotPlainIsReadToo() throws {
        let text = #" {"pages" : [1.0, 2e1], "more": {}, "title": "\u00e9", "isRead": true } "#

        let note = try JSONCoder.decode(Note.self, from: Array(text.utf8))

        #expect(note == Note(title: "é", pages: [1, 20], isRead: true))
    }

    @Test(arguments: [
        "", "{", #"{"title":"a","pages":[1 2]}"#, #"{"title":"a""pages":[]}"#,
        #"{"title":"a","pages":[]} x"#, #"{"title":"a","pages":[01]}"#,
        #"{"title":"a","pages":[],"more":tru}"#, #"{"title":"a","pages":["1"]}"#,
        #"{"title":null,"pages":[]}"#, #"{"pages":[]}"#,
    ])
    func whatIsNoJSONOrNoSuchValueIsRefused(_ text: String) {
        #expect(throws: (any Error).self) {
            try JSONCoder.decode(Note.self, from: Array(text.utf8))
        }
    }
}
