import CloudEvents
import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(3)))
struct SagaHistoryTests {
    private func entry(
        _ type: String, time: Int64, sequence: Int64 = 0, id: String, cause: String? = nil
    ) -> SagaHistory.Entry {
        let event = CloudEvent(
            id: id, source: "/test", type: type, subject: "s", causationID: cause,
            data: Array("{}".utf8))
        return SagaHistory.Entry(event: event, time: time, sequence: sequence)
    }

    @Test func eventsAreOrderedByTheServersTime() {
        let events = SagaHistory.ordered([
            entry("C", time: 30, id: "c", cause: "b"), entry("A", time: 10, id: "a"),
            entry("B", time: 20, id: "b", cause: "a"),
        ])

        #expect(events.map(\.type) == ["A", "B", "C"])
    }

    @Test func withinAMillisecondCausesStandBeforeEffects() {
        let events = SagaHistory.ordered([
            entry("C", time: 10, sequence: 0, id: "c", cause: "b"),
            entry("B", time: 10, sequence: 1, id: "b", cause: "a"),
            entry("A", time: 10, sequence: 2, id: "a", cause: "request"),
        ])

        #expect(events.map(\.type) == ["A", "B", "C"])
    }

    @Test func causesInACircleDoNotHang() {
        let events = SagaHistory.ordered([
            entry("A", time: 1, id: "a", cause: "b"), entry("B", time: 1, id: "b", cause: "a"),
        ])

        #expect(events.count == 2)
    }

    @Test func readingStartsAtTheTimeInTheID() {
        let time: Int64 = 0x0190_0000_0000
        #expect(
            SagaHistory.firstID(of: "01900000-0000-7abc-8def-0123456789ab") == "\(time - 60_000)")
        #expect(SagaHistory.firstID(of: "1") == "-")
        #expect(SagaHistory.firstID(of: "01900000-0000-4abc-8def-0123456789ab") == "-")
    }
}
