import Logging
import Synchronization
import TurnTaking

/// Tries what is pending for this replica and not held here: entries that were delivered before,
/// to whomever.
///
///     IDs ──▶ those not held ──▶ a group ──▶ mark ──▶ fetch ──▶ dispatcher ──▶ all have ended ──┐
///      ▲                                                                                       │
///      └───────────────────────────────────────────────────────────────────────────────────────┘
///
/// Beside it the readers go on with what is new. IDs are asked for anew after each failure, so that
/// a server that answers nothing at all is not taken for an entry that is too large.
final class SuspectKeeper: Sendable {
    /// What readiness calls it by.
    private static let subject = "what is pending"
    private static let pageMaximum = 256
    private static let look: Duration = .milliseconds(50)

    private struct State {
        var suspects = Suspects()
        /// Streams of which something may be pending that is not held here.
        var told: Set<Int>
        /// What stands in the store under this replica's name, "" for nothing; nil if that is
        /// not known.
        var marked: String?
    }

    let bell = Bell()
    private let state: Mutex<State>
    /// Who writes the mark, one after another: what is written says all that is known by then.
    private let writing = TurnQueue(atMost: 1)
    private let transport: any EventTransport
    private let dispatcher: Dispatcher
    private let acknowledger: Acknowledger
    private let pause: Pause
    private let clock: any SagaClock
    private let health: RuntimeHealth
    private let deathsMaximum: Int
    private let bytesMaximum: Int
    /// How long a group is waited for: whatever takes longer brings nobody down.
    private let patience: Duration
    let token: String

    init(
        _ ports: SagaPorts, dispatcher: Dispatcher, acknowledger: Acknowledger, pause: Pause,
        configuration: SagaRuntimeConfiguration, health: RuntimeHealth
    ) {
        transport = ports.transport
        clock = ports.clock
        token = ports.chance.eventID()
        deathsMaximum = configuration.deathsMaximum
        bytesMaximum = configuration.readBytesMaximum
        patience = configuration.giveUpAfterInUse + configuration.compensationGiveUpAfter
        self.dispatcher = dispatcher
        self.acknowledger = acknowledger
        self.pause = pause
        self.health = health
        state = Mutex(State(told: Set(ports.transport.streams.indices)))
    }

    /// Has what is pending of some streams tried soon.
    func look(at streams: some Sequence<Int>) {
        state.withLock { $0.told.formUnion(streams) }
        bell.ring()
    }

    // MARK: - Marks

    /// Takes what a process that is dead has left under a name.
    ///
    /// - Returns: whether it is known here now; another may have been faster.
    func inherit(from name: String) async throws(SagaError) -> Bool {
        let turn = try await self.turn()
        defer { turn.leave() }
        let text = try await transport.mark(of: name)
        guard !text.isEmpty else { return true }
        let (token, dead) = Suspects.parse(text)
        guard token != self.token else { return true }
        var suspects = state.withLock { $0.suspects }
        suspects.inherit(from: dead)
        let own = suspects.text(of: self.token)
        guard try await transport.takeMark(of: name, holding: text, leaving: own, self.token)
        else { return false }
        state.withLock { state in
            state.suspects.inherit(from: dead)
            state.marked = own
        }
        return true
    }

    /// Nothing is known of what stands under the name that this replica bears from now on.
    func bearsName() {
        state.withLock { $0.marked = nil }
    }

    /// Takes the mark away, as this process lives; what is known of entries stays.
    func leave() async {
        state.withLock { $0.suspects.leave() }
        try? await mark()
    }

    /// Has the store know what is tried.
    private func mark() async throws(SagaError) {
        let turn = try await self.turn()
        defer { turn.leave() }
        let (text, isNew) = state.withLock { state in
            let text = state.suspects.text(of: token)
            return (text, text != state.marked)
        }
        guard isNew else { return }
        guard try await transport.mark(text, token) else {
            throw SagaError(.unavailable, "this replica has lost its name", retry: .later)
        }
        state.withLock { $0.marked = text }
    }

    private func turn() async throws(SagaError) -> TurnQueue.Turn {
        let turn = writing.enter()
        await turn.wait()
        guard turn.isGranted else {
            turn.leave()
            throw SagaError(.stopped, "the runtime stops", retry: .never)
        }
        return turn
    }

    // MARK: - Trying

    /// Tries until told to stop.
    func run(through readers: [StreamReader], while isRunning: @Sendable () -> Bool) async {
        var plan = ReadPlan(transport.streams.indices, bytesMaximum: bytesMaximum)
        while isRunning() {
            if !pause.isOn {
                do {
                    while try await tryGroup(&plan, readers, while: isRunning) {}
                    health.reading(Self.subject, nil)
                } catch {
                    if error.code != .stopped && error.code != .epochOver {
                        health.reading(Self.subject, error)
                    }
                    state.withLock { state in
                        state.suspects.leave()
                        state.told = Set(transport.streams.indices)
                    }
                    try? await clock.sleep(for: .milliseconds(200))
                    continue
                }
            }
            guard isRunning() else { return }
            await bell.awaitRing()
        }
    }

    /// False if there is nothing to try.
    private func tryGroup(
        _ plan: inout ReadPlan, _ readers: [StreamReader], while isRunning: () -> Bool
    ) async throws(SagaError) -> Bool {
        guard isRunning(), !pause.isOn else { return false }
        let epoch = transport.epoch()
        let pending = try await self.pending(readers, in: epoch)
        let group = state.withLock { state in
            let group = state.suspects.group(among: pending)
            state.suspects.begin(group)
            return group
        }
        try await mark()
        guard !group.isEmpty else { return false }
        let batches = batches(of: group)
        var isFetched = true
        for batch in batches where isFetched {
            guard let reader = reader(of: batch.stream, among: readers) else { continue }
            isFetched = try await fetch(
                batch, &plan, through: reader, in: epoch, while: isRunning)
        }
        let isOver = await end(of: batches, in: epoch, while: isRunning)
        let isEnd = isFetched && isOver && isRunning() && epoch == transport.epoch()
        state.withLock { state in
            // What was left in the middle has not come to its end.
            if isEnd { state.suspects.end() } else { state.suspects.leave() }
        }
        return true
    }

    /// The IDs of a group, stream by stream.
    private func batches(of group: [Suspects.Entry]) -> [EntryBatch] {
        let ids = Dictionary(grouping: group, by: \.type)
        return transport.streams.enumerated().compactMap { index, stream in
            ids[stream.type].map { EntryBatch(stream: index, ids: $0.map(\.id)) }
        }
    }

    private func reader(of stream: Int, among readers: [StreamReader]) -> StreamReader? {
        readers.first { $0.indices.contains(stream) }
    }

    /// What is pending and not held, of each stream some.
    private func pending(
        _ readers: [StreamReader], in epoch: StoreEpoch
    ) async throws(SagaError) -> [Suspects.Entry] {
        var found: [Suspects.Entry] = []
        for stream in state.withLock({ $0.told }).sorted() where hasRoom(for: stream) {
            state.withLock { _ = $0.told.remove(stream) }
            let ids: [String]
            do {
                ids = try await unheld(stream, readers, in: epoch)
            } catch {
                guard error.concernsOneKey else { throw error }
                // Its reader says so, and looks again.
                continue
            }
            guard !ids.isEmpty else { continue }
            state.withLock { _ = $0.told.insert(stream) }
            let type = transport.streams[stream].type
            found += ids.map { Suspects.Entry(type: type, id: $0) }
        }
        return found
    }

    /// What calls companies is looked at again once there is room for it.
    private func hasRoom(for stream: Int) -> Bool {
        !transport.streams[stream].callsOutside || !dispatcher.isFullOfCalls
    }

    /// What is pending, and neither held nor on its way here, nor dealt with and on its way there.
    private func unheld(
        _ stream: Int, _ readers: [StreamReader], in epoch: StoreEpoch
    ) async throws(SagaError) -> [String] {
        var found: [String] = []
        var after = "0"
        while found.count < Self.pageMaximum {
            let ids = try await transport.pending(
                stream, after: after, idle: .zero, count: Self.pageMaximum, in: epoch)
            guard let last = ids.last else { break }
            await reader(of: stream, among: readers)?.endOfRead()
            let unheld = dispatcher.unheld(ids, of: stream, in: epoch)
            if !unheld.isEmpty {
                guard await acknowledger.flush() else {
                    throw SagaError(.unavailable, "nothing can be acknowledged", retry: .later)
                }
                let still = try await transport.pending(
                    stream, after: after, idle: .zero, count: Self.pageMaximum, in: epoch)
                found += unheld.filter(Set(still).contains)
            }
            after = last
        }
        return found
    }

    /// False if something did not come in time, and is pending as before.
    private func fetch(
        _ batch: EntryBatch, _ plan: inout ReadPlan, through reader: StreamReader,
        in epoch: StoreEpoch, while isRunning: () -> Bool
    ) async throws(SagaError) -> Bool {
        let stream = batch.stream
        var rest = batch.ids[...]
        while !rest.isEmpty, isRunning() {
            let portion = plan.portion(of: [stream])
            let reserved = dispatcher.reserve(
                upTo: min(portion.count, rest.count),
                callsOutside: transport.streams[stream].callsOutside, orRing: bell)
            guard reserved > 0 else {
                // The rest is still pending, and others are not kept waiting for it.
                guard hasRoom(for: stream) else { return false }
                await bell.awaitRing()
                continue
            }
            let wanted = Array(rest.prefix(reserved))
            var reading: Reading
            do {
                reading = try await transport.fetch(stream, wanted, portion, in: epoch)
            } catch {
                dispatcher.giveBack(reserved)
                guard error.code == .tooLarge else { throw error }
                plan.fetchFailed(stream, wanted)
                health.reading(stream: transport.streams[stream].key, error)
                return false
            }
            health.reading(stream: transport.streams[stream].key, nil)
            reading.entries = reading.entries.map(judged)
            await reader.admit(reading, &plan, epoch, reserved: reserved)
            let last = reading.last[stream].flatMap { rest.firstIndex(of: $0) }
            rest = rest[((last ?? rest.startIndex + reserved - 1) + 1)...]
        }
        return true
    }

    /// The entry itself, or that it brings processes down.
    private func judged(_ entry: HeldEntry) -> HeldEntry {
        let type = transport.streams[entry.stream].type
        let deaths = state.withLock {
            $0.suspects.deaths(of: Suspects.Entry(type: type, id: entry.id))
        }
        guard deaths >= deathsMaximum else { return entry }
        return entry.condemned(after: deaths, isHopeless: deaths >= 2 * deathsMaximum)
    }

    /// Waits until nothing of a group is held; false if that takes too long.
    ///
    /// What is still held then goes on, and others are tried beside it.
    private func end(
        of batches: [EntryBatch], in epoch: StoreEpoch, while isRunning: () -> Bool
    ) async -> Bool {
        let limit = clock.now + patience
        while isRunning(), clock.now < limit {
            let held = dispatcher.held(in: epoch).mapValues(Set.init)
            let isAnyHeld = batches.contains { batch in
                held[batch.stream].map { !$0.isDisjoint(with: batch.ids) } ?? false
            }
            guard isAnyHeld else { return true }
            guard (try? await clock.sleep(for: Self.look)) != nil else { return false }
        }
        return false
    }
}
