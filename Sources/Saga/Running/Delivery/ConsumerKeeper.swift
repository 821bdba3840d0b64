import Logging
import Synchronization

/// Bears this replica's name, and takes over what the dead have left behind.
///
///     claim ──▶ heartbeat, once the dispatcher has answered      look at the others ──┐
///                    │  ▲  │                                        │   ▲            │
///                    │  └──┘                                        │   └────────────┘
///                    ▼ lost                                         ▼ dead
///        drop what is held, claim anew                take over, have it tried
///
/// The heart beats by itself: nothing that takes long may keep it from that.
/// What a heartbeat says is that entries come to their ends here, however long that takes: a slow
/// company is not a death. A process that stood still finds that its name is lost, and with it
/// what it held: others have that by now, and of two who work on an entry the ledger lets one
/// through.
final class ConsumerKeeper: Sendable {
    private static let renewalMaximum = 256
    private static let takeoverMaximum = 256
    private static let namesMaximum = 1000

    private let transport: any EventTransport
    private let dispatcher: Dispatcher
    private let suspects: SuspectKeeper
    private let pause: Pause
    private let clock: any SagaClock
    private let health: RuntimeHealth
    private let logger: Logger
    private let baseName: String
    private let token: String
    private let life: Duration
    private let lease: Duration
    private let watch: Mutex<ConsumerWatch>
    private let isReleased = Mutex(false)

    init(
        _ ports: SagaPorts, dispatcher: Dispatcher, suspects: SuspectKeeper, pause: Pause,
        configuration: SagaRuntimeConfiguration, health: RuntimeHealth, logger: Logger
    ) {
        transport = ports.transport
        clock = ports.clock
        token = suspects.token
        baseName = configuration.consumerName
        life = configuration.consumerLife
        lease = configuration.leaseInUse
        watch = Mutex(
            ConsumerWatch(life: configuration.consumerLife, lease: configuration.leaseInUse))
        self.dispatcher = dispatcher
        self.suspects = suspects
        self.pause = pause
        self.health = health
        self.logger = logger
    }

    /// Takes the first name that nobody bears: the one borne before, the host's, or that with a
    /// number.
    func claim() async throws(SagaError) {
        if try await claim(transport.consumer) { return }
        for number in 1...Self.namesMaximum {
            if try await claim(number == 1 ? baseName : "\(baseName)-\(number)") { return }
        }
        throw SagaError(.unavailable, "all names of \(baseName) are taken", retry: .later)
    }

    private func claim(_ name: String) async throws(SagaError) -> Bool {
        guard try await transport.claim(name, token, for: life) else { return false }
        suspects.bearsName()
        logger.info("bears a name", metadata: ["consumer": "\(name)"])
        // Whoever bore it before is dead, or has taken its mark away.
        _ = try await suspects.inherit(from: name)
        return true
    }

    /// Gives the name back: what is still pending under it is anybody's.
    ///
    /// Whether its task was cancelled or not, as this is the last that a runtime does.
    func release() async {
        isReleased.withLock { $0 = true }
        await Task(executorPreference: transport.executor) { [transport, token, suspects] in
            await suspects.leave()
            try? await transport.release(token)
        }.value
    }

    /// Beats until its task is cancelled, and takes over until told to stop.
    func run(while isRunning: @escaping @Sendable () -> Bool) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.beatOnAndOn() }
            group.addTask { await self.lookAfterOthers(while: isRunning) }
        }
    }

    private func beatOnAndOn() async {
        while (try? await clock.sleep(for: life / 5)) != nil {
            let epoch = transport.epoch()
            do {
                try await beat()
                watch.withLock { $0.beat(at: clock.now, in: epoch) }
            } catch {
                warn(of: error, "heartbeats")
            }
        }
    }

    private func lookAfterOthers(while isRunning: @Sendable () -> Bool) async {
        var kept = clock.now
        while isRunning(), (try? await clock.sleep(for: life / 5)) != nil {
            let epoch = transport.epoch()
            do {
                let others = try await transport.consumers()
                let isDue = clock.now - kept >= lease / 3
                if isDue {
                    kept = clock.now
                    if watch.withLock({ $0.expectsRenewal(among: others) }) {
                        await renew(in: epoch)
                    }
                    await findForgotten(in: epoch)
                }
                let verdicts = watch.withLock { $0.saw(others, at: clock.now) }
                await takeOver(verdicts, of: others, while: isRunning)
            } catch {
                warn(of: error, "consumers")
            }
        }
    }

    /// Says that this process lives, or learns that it does not count as living any more.
    private func beat() async throws(SagaError) {
        await dispatcher.answer()
        if isReleased.withLock({ $0 }) { return }
        if try await transport.renew(token, for: life) { return }
        if isReleased.withLock({ $0 }) { return }
        logger.warning(
            "was silent for too long and has lost its name; drops what it holds",
            metadata: ["consumer": "\(transport.consumer)"])
        dispatcher.dropAll()
        await suspects.leave()
        try await claim()
        suspects.look(at: transport.streams.indices)
    }

    // MARK: - What others hold

    private func takeOver(
        _ verdicts: [ConsumerWatch.Verdict], of others: [ConsumerSighting],
        while isRunning: () -> Bool
    ) async {
        if PlantedFault.isPlanted(.nobodyTakesOver) { return }
        for verdict in verdicts {
            guard let other = others.first(where: { $0.name == verdict.name }),
                !pause.isOn, await isInherited(verdict.name)
            else { continue }
            for stream in other.pending.sorted() where isRunning() && !pause.isOn {
                do {
                    try await takeOver(stream, verdict, while: isRunning)
                } catch {
                    warn(of: error, transport.streams[stream].key)
                    if !error.concernsOneKey { return }
                }
            }
        }
    }

    /// What a dead one was trying has to be known before anything of it is tried again.
    private func isInherited(_ name: String) async -> Bool {
        do {
            return try await suspects.inherit(from: name)
        } catch {
            warn(of: error, "marks")
            return false
        }
    }

    /// Makes what the dead held pending for this replica, some of it at a time; it is fetched as
    /// there are slots.
    private func takeOver(
        _ stream: Int, _ verdict: ConsumerWatch.Verdict, while isRunning: () -> Bool
    ) async throws(SagaError) {
        var left = Self.takeoverMaximum * 2
        while left > 0, isRunning() {
            let taken = try await transport.takeOver(
                stream, from: verdict.name, idle: verdict.idle, count: Self.takeoverMaximum,
                in: transport.epoch())
            tell(of: taken, stream, verdict.name)
            guard taken.count > 0 else { return }
            left -= taken.count
        }
    }

    private func tell(of taken: Takeover, _ stream: Int, _ name: String) {
        let key = transport.streams[stream].key
        if taken.goneCount > 0 {
            logger.error(
                "entries were deleted before they were dealt with",
                metadata: ["stream": "\(key)", "count": .stringConvertible(taken.goneCount)])
        }
        guard taken.count > 0 else { return }
        logger.info(
            "entries taken over",
            metadata: [
                "stream": "\(key)", "from": "\(name)", "count": .stringConvertible(taken.count),
            ])
        suspects.look(at: [stream])
    }

    // MARK: - What is held here

    /// Has fetched again what is pending under this name and held by nobody: an acknowledgement
    /// was lost, or whoever read it was dropped.
    private func findForgotten(in epoch: StoreEpoch) async {
        for stream in transport.streams.indices {
            do {
                let isForgotten = try await isAnyForgotten(stream, in: epoch)
                if isForgotten { suspects.look(at: [stream]) }
            } catch {
                warn(of: error, transport.streams[stream].key)
                if !error.concernsOneKey { return }
            }
        }
    }

    private func isAnyForgotten(
        _ stream: Int, in epoch: StoreEpoch
    ) async throws(SagaError) -> Bool {
        var after = "0"
        while true {
            let ids = try await transport.pending(
                stream, after: after, idle: lease, count: Self.renewalMaximum, in: epoch)
            guard let last = ids.last else { return false }
            if !dispatcher.unheld(ids, of: stream, in: epoch).isEmpty { return true }
            after = last
        }
    }

    private func renew(in epoch: StoreEpoch) async {
        for (stream, ids) in dispatcher.held(in: epoch).sorted(by: { $0.key < $1.key }) {
            do {
                for start in stride(from: 0, to: ids.count, by: Self.renewalMaximum) {
                    let end = min(start + Self.renewalMaximum, ids.count)
                    let batch = EntryBatch(stream: stream, ids: Array(ids[start..<end]))
                    try await transport.renew(batch, in: epoch)
                }
            } catch {
                warn(of: error, transport.streams[stream].key)
                if !error.concernsOneKey { return }
            }
        }
    }

    private func warn(of error: SagaError, _ subject: String) {
        if error.code == .stopped || error.code == .epochOver { return }
        guard health.isNews("consumers \(subject)") else { return }
        logger.warning(
            "names and what the dead left cannot be kept",
            metadata: ["of": "\(subject)", "error": "\(error)"])
    }
}
