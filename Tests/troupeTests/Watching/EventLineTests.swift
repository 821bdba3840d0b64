import CloudEvents
import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(3)))
struct EventLineTests {
    private let event = CloudEvent(
        source: "/order", type: "OrderCreated", subject: "42", time: 3_723_004,
        data: Array(#"{"quantity":1}"#.utf8))

    @Test func lineHasTimeTypeSagaAndPayload() {
        let line = EventLine(palette: Palette(isColoured: false)).text(event)

        let words = line.split(separator: " ").map(String.init)
        #expect(words == ["01:02:03.004", "OrderCreated", "42", #"{"quantity":1}"#])
    }

    @Test func timeSinceTheBeginningReplacesTheTimeOfDay() {
        let line = EventLine(palette: Palette(isColoured: false)).text(event, since: 3_720_000)

        let words = line.split(separator: " ").map(String.init)
        #expect(words == ["+3.004", "s", "OrderCreated", #"{"quantity":1}"#])
    }

    @Test func colourIsOnlyWhereItIsWanted() {
        #expect(!EventLine(palette: Palette(isColoured: false)).text(event).contains("\u{1B}"))
        #expect(EventLine(palette: Palette(isColoured: true)).text(event).contains("\u{1B}[32m"))
    }

    @Test func columnsOfATableAreAligned() {
        #expect(
            TextTable.lines([["a", "1"], ["long", "22"]], indent: "") == ["a     1", "long  22"])
    }
}
