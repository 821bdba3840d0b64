import CloudEvents
package import Saga
import Synchronization

/// Streams in memory, as one process of one participant sees them.
package final class MemoryTransport: EventTransport {
    package let streams: [ConsumedStream]
    package let executor: (any TaskExecutor)?
    package var readingExecutor: (any TaskExecutor)? { executor }

    private let server: MemoryServer
    private let group: String
    private let configuration: SagaRuntimeConfiguration
    private let line: any MemoryLine
    private let isHeard: @Sendable () -> Bool
    private let name: Mutex<String>

    /// - Parameters:
    ///   - isHeard: whether a doorbell arrives, asked for each.
    package init(
        _ server: MemoryServer, plan: ParticipantPlan, configuration: SagaRuntimeConfiguration,
        executor: (any TaskExecutor)? = nil, line: any MemoryLine = SureLine(),
        isHeard: @escaping @Sendable () -> Bool = { true }
    ) {
        self.server = server
        group = plan.name
        self.configuration = configuration
        self.executor = executor
        self.line = line
        self.isHeard = isHeard
        name = Mutex(configuration.consumerName)
        streams = ConsumedStream.all(of: plan) { MemoryData.stream($0.type, owner: $0.owner) }
    }

    package func name(ofOwn type: String) -> String { MemoryData.stream(type, owner: group) }

    package func time(ofEntry id: String) -> Int64? { nil }

    package func epoch() -> StoreEpoch { server.epoch }

    package func checkEpoch() async {}

    package func isPaused() async -> Bool? { server.contents.paused.contains(group) }

    package func prepare() async throws(SagaError) {
        try await line.carry("\(group) prepare") { () throws(SagaError) in
            try server.change(rings: false) { data in
                for stream in streams { data.ensure(group: group, of: stream.key) }
            }
        }
    }

    package func progress(
        of participant: String, in kind: EventKind
    ) async throws(SagaError) -> GroupProgress {
        let stream = MemoryData.stream(kind.type, owner: kind.owner)
        let found = try await line.carry("\(group) progress of \(participant) in \(stream)") {
            server.contents.progress(of: participant, in: stream)
        }
        guard let found else {
            throw SagaError(
                .unavailable, "stream \(stream) has no group \(participant)", retry: .later)
        }
        return found
    }

    // MARK: - Names

    package var consumer: String { name.withLock { $0 } }

    package func claim(
        _ name: String, _ token: String, for life: Duration
    ) async throws(SagaError) -> Bool {
        let isClaimed = try await line.carry("\(group) claim \(name)") { () throws(SagaError) in
            try server.change(rings: false) {
                let now = server.clock.now
                return $0.claim(name, of: group, token, until: now + life, at: now)
            }
        }
        if isClaimed { self.name.withLock { $0 = name } }
        return isClaimed
    }

    package func renew(_ token: String, for life: Duration) async throws(SagaError) -> Bool {
        try await line.carry("\(group) beat") { () throws(SagaError) in
            try server.change(rings: false) {
                let now = server.clock.now
                guard $0.bearer(of: consumer, group, at: now) == token else { return false }
                return $0.claim(consumer, of: group, token, until: now + life, at: now)
            }
        }
    }

    package func release(_ token: String) async throws(SagaError) {
        try await line.carry("\(group) release") { () throws(SagaError) in
            try server.change(rings: false) {
                guard $0.bearer(of: consumer, group, at: server.clock.now) == token else { return }
                $0.release(consumer, of: group)
            }
        }
    }

    package func mark(_ text: String, _ token: String) async throws(SagaError) -> Bool {
        try await line.carry("\(group) mark") { () throws(SagaError) in
            try server.change(rings: false) { data in
                guard data.bearer(of: consumer, group, at: server.clock.now) == token else {
                    return false
                }
                data.marks[group, default: [:]][consumer] = text
                return true
            }
        }
    }

    package func mark(of name: String) async throws(SagaError) -> String {
        try await line.carry("\(group) mark of \(name)") {
            server.contents.marks[group]?[name] ?? ""
        }
    }

    package func takeMark(
        of name: String, holding text: String, leaving own: String, _ token: String
    ) async throws(SagaError) -> Bool {
        try await line.carry("\(group) take mark of \(name)") { () throws(SagaError) in
            try server.change(rings: false) { data in
                guard data.bearer(of: consumer, group, at: server.clock.now) == token,
                    data.marks[group]?[name] ?? "" == text
                else { return false }
                data.marks[group, default: [:]][name] = nil
                if !own.isEmpty { data.marks[group, default: [:]][consumer] = own }
                return true
            }
        }
    }

    package func consumers() async throws(SagaError) -> [ConsumerSighting] {
        try await line.carry("\(group) consumers") {
            server.contents.sightings(
                in: streams.map(\.key), of: group, but: consumer, at: server.clock.now)
        }
    }

    // MARK: - Reading

    package func read(
        _ streams: [Int], count: Int, in epoch: StoreEpoch
    ) async throws(SagaError) -> Reading {
        let reading = try await line.carry("\(group) read") { () throws(SagaError) in
            try change(in: epoch) { data in
                var reading = Reading()
                for stream in streams {
                    let entries = data.read(
                        self.streams[stream].key, group: group,
                        consumer: consumer, count: count, at: server.clock.now)
                    reading.last[stream] = entries.last?.entry.id
                    reading.entries += entries.map {
                        held(
                            $0.entry, stream, epoch, deliveredBefore: $0.mayBeOld)
                    }
                }
                return reading
            }
        }
        let bytes = reading.entries.reduce(0) { $0 + $1.size }
        guard bytes <= configuration.readBytesMaximum else {
            throw SagaError(.tooLarge, "a read is too large", retry: .later)
        }
        return reading
    }

    package func pending(
        _ stream: Int, after: String, idle: Duration, count: Int, in epoch: StoreEpoch
    ) async throws(SagaError) -> [String] {
        try await line.carry("\(group) pending") { () throws(SagaError) in
            try change(in: epoch) { data in
                data.pending(
                    streams[stream].key, group: group, consumer: consumer,
                    after: Self.number(after), idle: idle, count: count, at: server.clock.now
                ).map { "\($0)-0" }
            }
        }
    }

    package func fetch(
        _ stream: Int, _ ids: [String], _ portion: ReadPlan.Portion, in epoch: StoreEpoch
    ) async throws(SagaError) -> Reading {
        try await line.carry("\(group) fetch") { () throws(SagaError) in
            try change(in: epoch) { data in fetch(stream, ids, portion, epoch, from: &data) }
        }
    }

    private func fetch(
        _ stream: Int, _ ids: [String], _ portion: ReadPlan.Portion, _ epoch: StoreEpoch,
        from data: inout MemoryData
    ) -> Reading {
        let key = streams[stream].key
        var reading = Reading()
        var left: Int?
        for id in ids {
            let size = data.size(Self.number(id), of: key)
            let isTooLarge = size > portion.entryBytes
            if !isTooLarge {
                if let left, size > left { break }
                left = (left ?? portion.bytes) - size
            }
            reading.last[stream] = id
            let found = data.fetch(
                Self.number(id), of: key, group: group, consumer: consumer,
                at: server.clock.now)
            switch found {
            case .anothers: break
            case .gone: reading.gone.append(EntryBatch(stream: stream, ids: [id]))
            case .entry(let entry, _) where isTooLarge:
                reading.entries.append(
                    .tooLarge(
                        stream: stream, id: id, bytes: size, sagaID: entry.sagaID, epoch: epoch))
            case .entry(let entry, _):
                reading.entries.append(held(entry, stream, epoch, deliveredBefore: true))
            }
        }
        return reading
    }

    private func held(
        _ entry: MemoryData.Entry, _ stream: Int, _ epoch: StoreEpoch, deliveredBefore: Bool
    ) -> HeldEntry {
        HeldEntry(
            stream: stream, id: entry.id,
            content: content(entry),
            deliveredBefore: deliveredBefore, epoch: epoch, size: entry.bytes.count)
    }

    private func content(_ entry: MemoryData.Entry) -> HeldEntry.Content {
        let event = try? CloudEvent(json: entry.bytes)
        if let event { return .event(event) }
        return .unreadable(
            HeldEntry.Unreadable(
                bytes: entry.bytes, reason: .undecodable, error: "it is not an event",
                sagaID: entry.sagaID))
    }

    private static func number(_ id: String) -> Int {
        id.split(separator: "-").first.flatMap { Int($0) } ?? 0
    }

    private func change<Value: Sendable>(
        in epoch: StoreEpoch, _ body: (inout MemoryData) throws(SagaError) -> Value
    ) throws(SagaError) -> Value {
        try server.change(in: epoch, rings: false, body)
    }

    package func recover(
        from error: SagaError, of owner: String, _ streams: [Int], failures: Int
    ) async -> Bool { false }

    // MARK: - Ending and keeping

    package func acknowledge(_ batches: [EntryBatch], in epoch: StoreEpoch) async -> [SagaError?] {
        do {
            try await line.carry("\(group) acknowledge") { () throws(SagaError) in
                try change(in: epoch) { data in
                    for batch in batches {
                        data.acknowledge(
                            streams[batch.stream].key, group: group,
                            numbers: batch.ids.map(Self.number))
                    }
                }
            }
            return batches.map { _ in nil }
        } catch {
            return batches.map { _ in error }
        }
    }

    package func renew(_ batch: EntryBatch, in epoch: StoreEpoch) async throws(SagaError) {
        try await line.carry("\(group) renew") { () throws(SagaError) in
            try change(in: epoch) { data in
                data.renew(
                    streams[batch.stream].key, group: group, consumer: consumer,
                    numbers: batch.ids.map(Self.number), at: server.clock.now)
            }
        }
    }

    package func takeOver(
        _ stream: Int, from other: String, idle: Duration, count: Int, in epoch: StoreEpoch
    ) async throws(SagaError) -> Takeover {
        try await line.carry("\(group) take over") { () throws(SagaError) in
            try change(in: epoch) { data in
                let found = data.takeOver(
                    streams[stream].key, group: group, from: other, to: consumer, idle: idle,
                    count: count, at: server.clock.now)
                var taken = Takeover()
                taken.count = found.count
                taken.goneCount = found.goneCount
                return taken
            }
        }
    }

    package func keepHouse() async throws(SagaError) -> HousekeepingReport {
        try await line.carry("\(group) keep house") {
            let contents = server.contents
            return HousekeepingReport(lags: streams.map { contents.lag($0.key, group: group) })
        }
    }

    // MARK: - Listening

    package func listen(to streams: [Int], ring: @escaping @Sendable () -> Void) async {
        ring()
        await server.listen(to: Set(streams.map { self.streams[$0].key })) { [isHeard] _ in
            if isHeard() { ring() }
        }
    }

    package func listen(
        toOwn types: [String], hear: @escaping @Sendable (Announcement) -> Void
    ) async {
        let types = Dictionary(
            types.map { (name(ofOwn: $0), $0) }, uniquingKeysWith: { first, _ in first })
        hear(.active)
        await server.listen(to: Set(types.keys)) { [server, isHeard] stream in
            guard isHeard(), let type = types[stream],
                let entry = server.contents.streams[stream]?.entries.last
            else { return }
            hear(.event(type: type) { try? CloudEvent(json: entry.bytes) })
        }
    }
}
