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
    let client: RedisClient
    let names: EventStreamKeys
    private let pages: StreamPages
    /// How far clocks of different machines may be apart.
    private static let clockSlack: Int64 = 60_000

    /// - Parameter plan: how much one read may bring.
    init(client: RedisClient, names: EventStreamKeys, plan: PagePlan = PagePlan()) {
        self.client = client
        self.names = names
        pages = StreamPages(client, plan: plan)
    }

    /// What there is of a saga.
    struct Account {
        /// Earliest first; a cause stands before its effect.
        var events: [CloudEvent]
        /// A line for each event that cannot be shown, which says why.
        var unshown: [String]
        /// All services that have a stream: one that has said nothing of the saga yet may be what
        /// it waits for.
        var services: Set<String>
    }

    /// All that stands in streams of a saga.
    func account(of sagaID: String) async throws(RedisError) -> Account {
        var entries: [Entry] = []
        var unshown: [String] = []
        let all = try await client.keys(matching: names.streamPattern, type: "stream")
        for stream in all.filter(names.isEventStream) {
            var walk = pages.walk(stream, from: Self.firstID(of: sagaID))
            while let page = try await walk.next() {
                for found in page.found where found.label.correlationID == sagaID {
                    if let entry = Entry(found) {
                        entries.append(entry)
                    } else {
                        unshown.append(Self.line(found, stream))
                    }
                }
            }
        }
        return Account(
            events: Self.ordered(entries), unshown: unshown,
            services: Set(all.compactMap(Self.owner(of:))))
    }

    /// Whose a stream is: what stands in its hash tag.
    static func owner(of stream: String) -> String? {
        guard let start = stream.firstIndex(of: "{"), let end = stream.firstIndex(of: "}"),
            start < end
        else { return nil }
        return String(stream[stream.index(after: start)..<end])
    }

    private static func line(_ found: StreamWalk.Found, _ stream: String) -> String {
        let place = "entry \(found.id) of \(stream)"
        switch found {
        case .entry: return "\(place) cannot be read as an event"
        case .tooLarge(_, let bytes, _): return "\(place) is too large to be shown: \(bytes) bytes"
        }
    }

    /// An event and where it stands: `milliseconds-sequence` of its stream entry.
    struct Entry {
        var event: CloudEvent
        var time: Int64
        var sequence: Int64

        init?(_ found: StreamWalk.Found) {
            guard case .entry(let entry) = found, let id = StreamID(entry.id),
                let text = entry["data"],
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

    /// Where to begin: a little before the time in the ID, or at the beginning.
    static func firstID(of sagaID: String) -> String {
        guard let time = UUIDv7.milliseconds(of: sagaID) else { return "-" }
        return String(max(0, time - clockSlack))
    }
}
