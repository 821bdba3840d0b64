package import CloudEvents
package import Saga

/// All that stands in a store in memory, of every service: a plain value, so that a copy of it
/// is a snapshot to go back to.
///
///     streams   "order:OrderCreated"  ─▶ entries; groups: what each has read, what is pending
///     ledgers   "payment:42"          ─▶ field → text
///     records   "payment:payment:42"  ─▶ hash, text, or index
///     timers    "order"               ─▶ "OrderDeadlineReached 42" → when
///     open      "payment"             ─▶ "42" → when to try again what its ledger owes
package struct MemoryData: Sendable {
    package struct Entry: Sendable {
        package var number: Int
        package var bytes: [UInt8]
        package var sagaID: String?
        /// When the store took it, in milliseconds of its clock.
        package var time: Int64 = 0

        package var id: String { "\(number)-0" }
    }

    package struct Pending: Sendable {
        package var consumer: String
        /// When it was delivered or renewed.
        package var touched: ContinuousClock.Instant
        package var deliveries: Int
    }

    package struct Group: Sendable {
        package var lastDelivered = 0
        /// Up to here entries may have been delivered before the group was made again.
        package var mayBeOldUpTo = 0
        package var pending: [Int: Pending] = [:]
    }

    package struct Stream: Sendable {
        package var entries: [Entry] = []
        package var groups: [String: Group] = [:]
        /// Groups that were there once.
        package var known: Set<String> = []
        package var lastNumber = 0
    }

    package enum Record: Hashable, Sendable {
        case hash([String: String])
        case text(String, until: ContinuousClock.Instant?)
        case index([String: Double])
    }

    /// The process that bears a replica's name, and until when.
    package struct Consumer: Sendable {
        package var token: String
        package var end: ContinuousClock.Instant
    }

    package struct Letter: Sendable {
        package var letter: DeadLetter
        package var sagaID: String?
    }

    /// The store's clock, in milliseconds since 1970.
    package var now: Int64 = 0
    package var streams: [String: Stream] = [:]
    /// Streams that have grown since somebody last looked.
    var grown: Set<String> = []
    package var declared: [String: Declaration] = [:]
    package var ledgers: [String: [String: String]] = [:]
    /// Ledgers that may go some time later; here none ever does.
    package var ending: Set<String> = []
    /// When each ledger was seen first, for a planted fault alone.
    var ledgerBirths: [String: ContinuousClock.Instant] = [:]
    package var records: [String: Record] = [:]
    package var timers: [String: [String: ContinuousClock.Instant]] = [:]
    package var letters: [String: [Letter]] = [:]
    /// When what a saga owes is tried again, and since when it makes no progress, by service.
    package var open: [String: [String: ContinuousClock.Instant]] = [:]
    package var blocked: [String: [String: Int64]] = [:]
    /// Names of replicas, by service.
    package var consumers: [String: [String: Consumer]] = [:]
    /// What replicas try again, by service and name.
    package var marks: [String: [String: String]] = [:]
    /// Services that are to read nothing.
    package var paused: Set<String> = []
    /// What was undone on account of books, by service.
    package var undone: [String: [String: ContinuousClock.Instant]] = [:]
    /// When each service's data came to be; always, unless it is said.
    package var born: [String: Int64] = [:]

    package init() {}

    package static func stream(_ type: String, owner: String) -> String { "\(owner):\(type)" }

    // MARK: - Streams

    /// Appends an event, as its owner does.
    package mutating func append(_ event: CloudEvent, owner: String) {
        append(event.json(), sagaID: event.correlationID, to: Self.stream(event.type, owner: owner))
    }

    /// Appends anything, as a foreign hand does.
    package mutating func append(_ bytes: [UInt8], sagaID: String?, to stream: String) {
        let number = (streams[stream]?.lastNumber ?? 0) + 1
        streams[stream, default: Stream()].lastNumber = number
        streams[stream, default: Stream()].entries.append(
            Entry(number: number, bytes: bytes, sagaID: sagaID, time: now))
        grown.insert(stream)
    }

    /// How far a group has come; nil if it is not there.
    func progress(of name: String, in stream: String) -> GroupProgress? {
        guard let known = streams[stream], let group = known.groups[name] else { return nil }
        func time(_ number: Int) -> Int64 {
            known.entries.first { $0.number == number }?.time ?? 0
        }
        return GroupProgress(
            unread: known.entries.count { $0.number > group.lastDelivered },
            delivered: time(group.lastDelivered),
            oldestPending: group.pending.keys.min().map(time))
    }

    /// The events of a stream that can be read.
    package func events(_ type: String, owner: String) -> [CloudEvent] {
        streams[Self.stream(type, owner: owner)]?.entries
            .compactMap { try? CloudEvent(json: $0.bytes) } ?? []
    }

    // MARK: - Ledgers and records

    package func ledger(_ service: String, _ sagaID: String) -> [String: String] {
        ledgers["\(service):\(sagaID)"] ?? [:]
    }

    package func record(
        _ service: String, _ name: RecordName, at now: ContinuousClock.Instant
    ) -> Record? {
        let record = records["\(service):\(name)"]
        if case .text(_, let end?) = record, end <= now { return nil }
        return record
    }

    package mutating func set(_ service: String, _ name: RecordName, _ record: Record?) {
        records["\(service):\(name)"] = record
    }
}
