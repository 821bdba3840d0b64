import CloudEvents
import EventStreams
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

@Suite(.redisServer, .timeLimit(.minutes(3)))
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

    /// Adds events of a saga, with so many bytes in each.
    private func add(
        _ count: Int, of bytes: Int, saga: String, to stream: String, _ redis: RedisClient
    ) async throws {
        let event = CloudEvent(
            source: "/test", type: "Done", subject: saga,
            data: Array(#"{"a":"\#(String(repeating: "x", count: bytes))"}"#.utf8))
        for _ in 0..<count {
            _ = try await redis.send(
                .xadd(stream, ["data": .bytes(event.json()), "correlationid": .string(saga)]))
        }
    }

    @Test func aSagaIsShownHoweverLargeTheEventsOfOthersAre() async throws {
        let redis = RedisServer.current.client { $0.replyBytesMaximum = 1 << 20 }
        let names = EventStreamKeys(namespace: "history")
        let stream = names.stream("Done", owner: "test")
        try await add(130, of: 64 << 10, saga: "other", to: stream, redis)
        try await add(1, of: 10, saga: "mine", to: stream, redis)
        try await add(1, of: 2 << 20, saga: "other", to: stream, redis)
        try await add(1, of: 2 << 20, saga: "mine", to: stream, redis)
        _ = try await redis.send(.xadd(stream, ["data": "{", "correlationid": "mine"]))
        try await add(1, of: 10, saga: "mine", to: stream, redis)

        let account = try await SagaHistory(client: redis, names: names).account(of: "mine")

        #expect(account.events.count == 2)
        #expect(account.unshown.count == 2)
        #expect(account.unshown.first?.contains("is too large to be shown: 2097") == true)
        #expect(account.unshown.last?.contains("cannot be read as an event") == true)
        #expect(account.unshown.allSatisfy { $0.hasSuffix(stream) || $0.contains(stream + " ") })
        await redis.shutdown()
    }
}
