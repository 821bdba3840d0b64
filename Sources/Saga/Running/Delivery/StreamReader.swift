import CloudEvents
import Logging
import TurnTaking

/// Reads the streams of one owner for one participant.
///
///     doorbell ──▶ bell ──▶ reserve slots ──▶ read ──▶ dispatcher
///     ticker ─────▶ ▲            │ none free
///     slot freed ───┴────────────┘
///
/// While reads return entries nobody waits for the bell. A lost doorbell is made up for by the
/// ticker; a lost reply, a reply that was too large, what was taken over, and the life before a
/// restart, by `SuspectKeeper`, which tries what is pending for this consumer and not held here.
final class StreamReader: Sendable {
    let owner: String
    /// Positions of the streams among those consumed.
    let indices: Range<Int>
    let bell = Bell()

    private let transport: any EventTransport
    private let store: any SagaStore
    private let ends: EndWriter
    private let acknowledge: @Sendable (HeldEntry) -> Void
    private let hearsEnds: Bool
    private let dispatcher: Dispatcher
    private let epochs: EpochWatch
    private let pause: Pause
    private let clock: any SagaClock
    private let chance: any SagaChance
    private let looks: Bool
    private let bytesMaximum: Int
    private let suspects: SuspectKeeper
    private let health: RuntimeHealth
    private let logger: Logger
    private let reads = TurnQueue(atMost: 1)

    init(
        owner: String, ports: SagaPorts, dispatcher: Dispatcher, epochs: EpochWatch,
        pause: Pause, suspects: SuspectKeeper, bytesMaximum: Int, ends: EndWriter,
        acknowledge: @escaping @Sendable (HeldEntry) -> Void,
        health: RuntimeHealth, logger: Logger
    ) {
        self.bytesMaximum = bytesMaximum
        self.suspects = suspects
        let streams = ports.transport.streams
        let first = streams.firstIndex { $0.owner == owner } ?? 0
        indices = first..<first + streams.count { $0.owner == owner }
        self.owner = owner
        transport = ports.transport
        store = ports.store
        clock = ports.clock
        chance = ports.chance
        self.dispatcher = dispatcher
        self.epochs = epochs
        self.pause = pause
        self.ends = ends
        self.acknowledge = acknowledge
        hearsEnds = streams[indices].contains { $0.news != nil }
        looks = streams[indices].contains { !$0.stepsActingOutside.isEmpty }
        self.health = health
        self.logger = logger
    }

    /// Listens to the doorbells of the owner's events.
    func listen(while isRunning: @Sendable () -> Bool) async {
        while isRunning() {
            await transport.listen(to: Array(indices)) { [bell] in bell.ring() }
            try? await clock.sleep(for: .milliseconds(100))
        }
    }

    /// Reads until told to stop.
    func run(while isRunning: @Sendable () -> Bool) async {
        var failures = 0
        var plan = ReadPlan(indices, bytesMaximum: bytesMaximum)
        var epoch = epochs.follow()
        while isRunning() {
            guard !pause.isOn else {
                await bell.awaitRing()
                continue
            }
            let present = epochs.follow()
            if present != epoch {
                epoch = present
                suspects.look(at: indices)
            }
            var count = 0
            var cut: SagaError?
            do {
                // With few slots the first read takes them all.
                for streams in begunByChance(plan.reads(at: clock.now)) where isRunning() {
                    count += try await readInTurn(streams, &plan, epoch, &cut)
                }
                // A server that hangs looks as if all were too large for ever.
                health.reading(owner, cut)
                failures = 0
            } catch {
                failures += 1
                if error.code != .stopped && error.code != .epochOver {
                    health.reading(owner, error)
                }
                suspects.look(at: indices)
                await recover(from: error, failures: failures)
                continue
            }
            if count > 0 { continue }
            // A read may have heard the bell that rang for the end.
            guard isRunning() else { return }
            if let end = plan.pauseEnd {
                try? await clock.sleep(for: max(.zero, end - clock.now))
            } else {
                await bell.awaitRing()
            }
        }
    }

    /// Reads some streams, as many at once as there are slots, until some of them had something
    /// new.
    ///
    /// A count is per stream, so with fewer slots than streams some wait: but only while others
    /// have something. Nothing else would ring for what is in them.
    private func readInTurn(
        _ streams: [Int], _ plan: inout ReadPlan, _ epoch: StoreEpoch, _ cut: inout SagaError?
    ) async throws(SagaError) -> Int {
        let count = plan.portion(of: streams).count
        var left = streams
        var found = 0
        var hasBegun = false
        while found == 0, !left.isEmpty, !pause.isOn {
            var reserved = dispatcher.reserve(upTo: count, orRing: bell)
            if reserved == 0 {
                // What waits for companies keeps out its like, and nothing else.
                left.removeAll { transport.streams[$0].callsOutside }
                guard !left.isEmpty else { return 0 }
                reserved = dispatcher.reserve(upTo: count, callsOutside: false, orRing: bell)
            }
            guard reserved > 0 else { return 0 }
            if reserved < left.count, !hasBegun { left = begunByChance(left) }
            hasBegun = true
            let chosen = left.prefix(reserved).sorted()
            left.removeFirst(chosen.count)
            found = try await read(chosen, on: reserved, &plan, epoch, &cut)
        }
        return found
    }

    /// In their order, begun at one by chance so that none waits for ever.
    private func begunByChance<Element>(_ elements: [Element]) -> [Element] {
        guard elements.count > 1 else { return elements }
        let first = Int(chance.fraction() * Double(elements.count))
        return Array(elements[first...] + elements[..<first])
    }

    /// Reads some streams and returns how many of them had something new, or are to be read
    /// another way; throws on what concerns all streams.
    private func read(
        _ streams: [Int], on reserved: Int, _ plan: inout ReadPlan, _ epoch: StoreEpoch,
        _ cut: inout SagaError?
    ) async throws(SagaError) -> Int {
        do {
            let count = try await readNew(streams, on: reserved, &plan, in: epoch)
            if plan.failures(of: streams) > 0 { note(nil, streams[0]) }
            plan.worked(streams)
            return count
        } catch {
            if error.code == .tooLarge {
                cut = error
                logger.info(
                    "a read was too large and is cut",
                    metadata: ["owner": "\(owner)", "error": "\(error)"])
                plan.wasTooLarge(streams)
                suspects.look(at: streams)
                return 1
            }
            guard error.concernsOneKey else { throw error }
            suspects.look(at: streams)
            let failures = plan.failures(of: streams) + 1
            let isMended = await transport.recover(
                from: error, of: owner, streams, failures: failures)
            // Alone, a stream that was mended is read again at once; of several, each is.
            let isAgain = streams.count > 1 || isMended && failures == 1
            if !isAgain { note(error, streams[0]) }
            plan.failed(streams, until: clock.now + (isAgain ? .zero : pause(after: failures)))
            return isAgain ? 1 : 0
        }
    }

    private func note(_ error: SagaError?, _ stream: Int) {
        health.reading(stream: transport.streams[stream].key, error)
    }

    /// Nothing is known about what the failed read did, so what is pending is read next.
    private func recover(from error: SagaError, failures: Int) async {
        let isMended = await transport.recover(
            from: error, of: owner, Array(indices), failures: failures)
        if isMended, failures == 1 { return }
        try? await clock.sleep(for: pause(after: failures))
    }

    private func pause(after failures: Int) -> Duration {
        RetrySchedule(pauseMinimum: .milliseconds(20), pauseMaximum: .milliseconds(800))
            .pause(after: failures, random: chance.fraction())
    }

    // MARK: - Reading

    /// Reads what nobody had yet and returns how many streams had some.
    private func readNew(
        _ streams: [Int], on reserved: Int, _ plan: inout ReadPlan, in epoch: StoreEpoch
    ) async throws(SagaError) -> Int {
        let turn = reads.enter()
        defer { turn.leave() }
        let reading: Reading
        do {
            reading = try await transport.read(
                streams, count: reserved / streams.count, in: epoch)
        } catch {
            dispatcher.giveBack(reserved)
            throw error
        }
        await admit(reading, &plan, epoch, reserved: reserved)
        return reading.last.count
    }

    /// Returns once the read that is under way, if one is, has handed over what it took.
    func endOfRead() async {
        let turn = reads.enter()
        await turn.wait()
        turn.leave()
    }

    /// Hands a reading's entries over.
    func admit(
        _ reading: Reading, _ plan: inout ReadPlan, _ epoch: StoreEpoch, reserved: Int
    ) async {
        for stream in reading.last.keys {
            let sizes = reading.entries.lazy.filter { $0.stream == stream }.map(\.size)
            plan.brought(sizes.count, bytes: sizes.reduce(0, +), of: stream)
        }
        let read = reading.entries
        var entries = read
        if hearsEnds {
            async let rest = ends.note(read, in: epoch, acknowledge: acknowledge)
            if looks { await look(at: read) }
            entries = await rest
        } else if looks {
            await look(at: read)
        }
        dispatcher.admit(entries)
        dispatcher.giveBack(reserved - entries.count)
        if !reading.gone.isEmpty { forget(reading.gone, epoch) }
    }

    /// Looks at the ledgers of all entries of one read together.
    ///
    /// It costs one round trip for a read, where each entry would make one for itself. What
    /// cannot be looked at comes without, and is looked at by whoever works on it.
    private func look(at entries: [HeldEntry]) async {
        var questions: [(sagaID: String, fields: [String])] = []
        var looked: [HeldEntry] = []
        for entry in entries {
            let steps = transport.streams[entry.stream].stepsActingOutside
            guard !steps.isEmpty, case .event(let event) = entry.content else { continue }
            questions.append((event.correlationID, steps))
            looked.append(entry)
        }
        guard !questions.isEmpty else { return }
        for (entry, look) in zip(looked, await store.ledgers(of: questions)) {
            if let look { entry.keep(look) }
        }
    }

    /// Acknowledges entries that were pending but were trimmed or deleted meanwhile.
    private func forget(_ gone: [EntryBatch], _ epoch: StoreEpoch) {
        for batch in gone {
            logger.error(
                "entries were deleted before they were dealt with",
                metadata: [
                    "stream": "\(transport.streams[batch.stream].key)",
                    "count": .stringConvertible(batch.ids.count),
                ])
        }
        Task(executorPreference: transport.executor) { [transport] in
            _ = await transport.acknowledge(gone, in: epoch)
        }
    }
}
