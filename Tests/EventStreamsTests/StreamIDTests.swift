import EventStreams
import Testing

@Suite(.timeLimit(.minutes(1)))
struct StreamIDTests {
    @Test(arguments: ["0-0", "1700000000000-3", "18446744073709551615-18446744073709551615"])
    func itIsReadAsItIsWritten(_ text: String) {
        #expect(StreamID(text)?.description == text)
    }

    @Test(arguments: ["", "-", "a-1", "1-b", "1-", "-1", "1-2-3"])
    func anythingElseIsNone(_ text: String) {
        #expect(StreamID(text) == nil)
    }

    @Test func itsOrderIsThatOfTheStream() {
        let ids = [
            StreamID(milliseconds: 1), StreamID(milliseconds: 1, sequence: 2),
            StreamID(milliseconds: 2),
        ]

        #expect(ids.shuffled().sorted() == ids)
        #expect(ids[1].predecessor == StreamID(milliseconds: 1, sequence: 1))
        #expect(ids[2].predecessor == StreamID(milliseconds: 1, sequence: .max))
        #expect(StreamID(milliseconds: 0).predecessor == StreamID(milliseconds: 0))
        #expect(StreamID("7") == StreamID(milliseconds: 7))
    }
}
