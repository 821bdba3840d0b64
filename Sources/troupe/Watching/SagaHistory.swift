import CloudEvents
import EventStreams
import NIOCore
import TroupeRedis

/// Collects a saga's events from the streams of a Redis.
///
/// The streams are found by their names (`saga:{owner}:EventType`), so that it works for any
/// saga, ours or not. Each is read in pages from the time that the saga's ID bears (a UUIDv7
/// begins with it) to its end, and only entries whose `correlationid` is the saga are decoded.
struct SagaHistory {
    var client: RedisClient
    var names: EventStreamKeys
    private static let pageSize = 1_000
    /// How far clocks of different machines may be apart.
    private static let clockSlack: Int64 = 60_000

    /// The events, earliest first; a cause stands before its effect.
    func events(of sagaID: String) async throws(RedisError) -> [CloudEvent] {
        var found: [Entry] = []
        for stream in try await streams() {
            found += try await entries(of: sagaID, in: stream)
        }
        return Self.ordered(found)
    }

    /// An event and where it stands: `milliseconds-sequence` of its stream entry.
    struct Entry {
        var event: CloudEvent
        var time: Int64
        var sequence: Int64

        init?(_ entry: RedisStreamEntry) {
            guard let id = StreamID(entry.id), let text = entry["data"],
                let event = try? CloudEvent(json: Array(text.readableBytesView))
            else { return nil }
            self.init(
                event: event, time: Int64(clamping: id.milliseconds),
                sequence: Int64(clamping: id.sequence))
        }

        init(event: CloudEvent, time: Int64, sequence: Int64) {
            self.event = event
            self.time = time
            self.sequence = sequence
        }
    }

    /// By the server's time; within a millisecond, by cause and effect.
    static func ordered(_ entries: [Entry]) -> [CloudEvent] {
        let causes = Dictionary(
            entries.map { ($0.event.id, $0.event.causationID) }, uniquingKeysWith: { a, _ in a })
        func depth(_ id: String) -> Int {
            var depth = 0
            var current = causes[id] ?? nil
            while let cause = current, depth < entries.count {
                depth += 1
                current = causes[cause] ?? nil
            }
            return depth
        }
        return entries.map { ($0, depth($0.event.id)) }
            .sorted { ($0.0.time, $0.1, $0.0.sequence) < ($1.0.time, $1.1, $1.0.sequence) }
            .map(\.0.event)
    }

    /// The types of which there is a stream.
    func eventTypes() async throws(RedisError) -> Set<String> {
        Set(try await streams().compactMap { $0.split(separator: ":").last.map(String.init) })
    }

    private func streams() async throws(RedisError) -> [String] {
        try await client.keys(matching: names.streamPattern, type: "stream")
            .filter(names.isEventStream)
    }

    private func entries(
        of sagaID: String, in stream: String
    ) async throws(RedisError) -> [Entry] {
        var found: [Entry] = []
        var start = Self.firstID(of: sagaID)
        while true {
            let page = try await client.send(
                .xrange(stream, from: start, count: Self.pageSize)
            ).streamEntries()
            for entry in page {
                guard let saga = entry["correlationid"], String(buffer: saga) == sagaID,
                    let entry = Entry(entry)
                else { continue }
                found.append(entry)
            }
            guard page.count == Self.pageSize, let last = page.last else { return found }
            start = "(\(last.id)"
        }
    }

    /// Where to begin: a little before the time in the ID, or at the beginning.
    static func firstID(of sagaID: String) -> String {
        guard let time = UUIDv7.milliseconds(of: sagaID) else { return "-" }
        return String(max(0, time - clockSlack))
    }
}
