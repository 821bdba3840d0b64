import Synchronization

/// Gives each saga's entries that the readers bring to a task, within the limits that `Lanes`
/// keeps.
///
///     admit ──▶ idle worker, or a new one ──▶ runs the lane to its end ──▶ idle ──▶ …
///                                                      │ cancelled, stopping, enough are idle
///                                                      ▼
///                                                     ends
///
/// A task that ends gives back all memory in which it ran, and the next one has to ask for it
/// again; so a worker waits for the next lane. One that may have been cancelled never does.
final class Dispatcher: Sendable {
    /// How an entry ended.
    enum Ending: Sendable {
        /// It is dealt with and can be acknowledged.
        case done
        /// The runtime stops, and the entry stays pending for the next process; or the store holds
        /// other data by now, and the entry is read again if it is still there.
        case left
    }

    typealias Work = @Sendable (HeldEntry, Place) async -> Ending

    /// What work may ask of the place where it runs.
    struct Place: Sendable {
        fileprivate let dispatcher: Dispatcher
        fileprivate let lane: String
        fileprivate let worker: Workers.Worker
        /// Whether the entry is its lane's first: nothing of its saga has run here since it was
        /// read.
        fileprivate(set) var isFirst = true
        /// When its entry was read.
        fileprivate var epoch: StoreEpoch

        /// Whether this task may have been cancelled, or may be at any moment.
        var isSpent: Bool { worker.isSpent }

        /// Whether nothing new is to be tried.
        var isStopping: Bool { dispatcher.state.withLock { $0.isStopping } }

        /// Whether the step that is tried here was cancelled because it is being undone.
        var isCalledOff: Bool { worker.alarm.withLock { $0.isCalledOff } }

        /// Lets a step be cancelled by what comes to undo it, until `cannotBeCalledOff()`.
        ///
        /// - Returns: whether such has come.
        func mayBeCalledOff(_ step: String) -> Bool {
            worker.alarm.withLock { alarm in
                alarm.step = step
                return alarm.isCalledOff
            }
        }

        /// - Returns: whether what undoes the step has come.
        @discardableResult
        func cannotBeCalledOff() -> Bool {
            worker.alarm.withLock { alarm in
                defer { alarm.step = nil }
                return alarm.isCalledOff
            }
        }

        /// Waits without a slot; false if the runtime stops meanwhile.
        func pause(_ duration: Duration) async -> Bool {
            await pause { [clock = dispatcher.clock] in _ = try? await clock.sleep(for: duration) }
        }

        /// The same until something has come; when it is cancelled, it has to end at once.
        func pause(until hasCome: @escaping @Sendable () async -> Void) async -> Bool {
            await dispatcher.pause(self, until: hasCome)
        }

        /// By which the work is measured.
        var time: WorkingTime { dispatcher.time }

        /// Cancels this task if it is still busy after this long; nil takes that back.
        func limit(_ limit: Duration?) {
            let end = limit.map { self.time.now + $0 }
            worker.alarm.withLock { $0.overtime.limit(until: end) }
        }

        /// Says that what had a limit has come to its end, whether it was cancelled or not.
        func answers() {
            if worker.alarm.withLock({ $0.overtime.answers() }) {
                dispatcher.state.withLock { $0.lanes.takeBack(lane) }
            }
        }

        /// Lends the turn of what is tried here, should it ignore its end; nil if it has none.
        func lends(_ lend: (@Sendable () -> Bool)?) {
            worker.alarm.withLock { $0.lend = lend }
        }

        /// What is cancelled in place of this task: work that its end must not reach.
        ///
        /// - Returns: what was so before.
        @discardableResult
        func cancels(_ cancel: (@Sendable () -> Void)?) -> (@Sendable () -> Void)? {
            worker.alarm.withLock { alarm in
                defer { alarm.cancel = cancel }
                return alarm.cancel
            }
        }
    }

    /// Whom to tell that a slot may be free.
    private struct Woken {
        var bells: [Bell] = []
        var resumed: [CheckedContinuation<Void, Never>] = []
        var drained: CheckedContinuation<Void, Never>?

        func wake() {
            for continuation in resumed { continuation.resume() }
            for bell in bells { bell.ring() }
            drained?.resume()
        }
    }

    private struct State {
        var lanes: Lanes
        var workers = Workers()
        var starved: [Bell] = []
        /// Those who wait until less is parked that calls companies, however many slots are free.
        var kept: [Bell] = []
        /// What lanes that wait for another try sleep on, by lane.
        var pauses: [String: Task<Void, Never>] = [:]
        /// Lanes that are to be tried again and have no slot yet.
        var resuming: [(lane: String, continuation: CheckedContinuation<Void, Never>)] = []
        /// Lanes whose entry is somebody else's by now, and is tried no more.
        var dropped: Set<String> = []
        var isStopping = false
        var drained: CheckedContinuation<Void, Never>?

        init(lanes: Lanes) {
            self.lanes = lanes
        }

        /// Cancels what runs in vain, as an entry undoes what it does.
        func vain(
            behind entry: HeldEntry, _ precedence: Precedence, at now: ContinuousClock.Instant
        ) -> [() -> Void] {
            guard let current = lanes.current(entry.lane) else { return [] }
            let steps = precedence.calledOff(by: entry, of: current)
            guard !steps.isEmpty else { return [] }
            return workers.running.filter { $0.lane == entry.lane }
                .compactMap { $0.worker.callOff(steps, of: $0.task, at: now) }
        }

        static func note(_ bell: Bell, in bells: inout [Bell]) {
            if !bells.contains(where: { $0 === bell }) { bells.append(bell) }
        }

        /// Slots may be free: those that wait to try again get them before whatever is new.
        mutating func woken() -> Woken? {
            guard !starved.isEmpty || !kept.isEmpty || !resuming.isEmpty || isStopping else {
                return nil
            }
            var woken = Woken()
            var count = 0
            while count < resuming.count, lanes.resume(resuming[count].lane) { count += 1 }
            woken.resumed = resuming.prefix(count).map(\.continuation)
            resuming.removeFirst(count)
            swap(&woken.bells, &starved)
            if !kept.isEmpty, !lanes.isFull(callsOutside: true) {
                woken.bells += kept
                kept = []
            }
            if isStopping, lanes.isEmpty { swap(&woken.drained, &drained) }
            return woken
        }
    }

    private let state: Mutex<State>
    private let work: Work
    private let executor: (any TaskExecutor)?
    fileprivate let clock: any SagaClock
    fileprivate let time: WorkingTime
    private let epoch: @Sendable () -> StoreEpoch
    private let acknowledge: @Sendable (HeldEntry) -> Void
    private let precedence: Precedence

    /// - Parameter pulse: how often `cancelOverdue()` is called at least while the process runs;
    ///   nil if that is not known.
    init(
        concurrency: Int, parkedMaximum: Int, bytesMaximum: Int = .max,
        executor: (any TaskExecutor)?, clock: any SagaClock = SystemSagaClock(),
        pulse: Duration? = nil, streams: [ConsumedStream] = [],
        epoch: @escaping @Sendable () -> StoreEpoch = { StoreEpoch() }, work: @escaping Work,
        acknowledge: @escaping @Sendable (HeldEntry) -> Void
    ) {
        state = Mutex(
            State(
                lanes: Lanes(
                    concurrency: concurrency, parkedMaximum: parkedMaximum,
                    bytesMaximum: bytesMaximum)))
        self.work = work
        self.executor = executor
        self.clock = clock
        time = WorkingTime(clock, pulse: pulse)
        self.epoch = epoch
        self.acknowledge = acknowledge
        precedence = Precedence(streams)
    }

    /// Reserves slots for a read; if there are none, `bell` rings when there may be some.
    ///
    /// - Parameter callsOutside: whether what is read may wait for a company, and for long.
    func reserve(upTo count: Int, callsOutside: Bool = true, orRing bell: Bell) -> Int {
        state.withLock { state in
            guard !state.isStopping else { return 0 }
            let granted = state.lanes.reserve(upTo: count, callsOutside: callsOutside)
            if granted == 0 {
                // A slot that gets free is no news to who is kept out.
                if callsOutside, state.lanes.isFull(callsOutside: true) {
                    State.note(bell, in: &state.kept)
                } else {
                    State.note(bell, in: &state.starved)
                }
            }
            return granted
        }
    }

    func giveBack(_ count: Int) {
        guard count > 0 else { return }
        state.withLock { state in
            state.lanes.giveBack(count)
            return state.woken()
        }?.wake()
    }

    /// Takes what a read brought, each entry on a slot reserved for it.
    ///
    /// What is to undo something goes before all else of its saga that waits, and cancels what
    /// runs in vain.
    func admit(_ entries: [HeldEntry]) {
        var woken: [(idler: Workers.Idle, entry: HeldEntry)] = []
        var vain: [() -> Void] = []
        let (ordered, firstCount) = precedence.order(entries)
        let duplicates = state.withLock { state in
            var duplicates = 0
            for (number, entry) in ordered.enumerated() {
                let isFirst = number < firstCount
                switch state.lanes.admit(entry, goesFirst: isFirst) {
                case .start:
                    if let idler = state.workers.wake(for: entry.lane) {
                        woken.append((idler, entry))
                    } else {
                        state.workers.start { start(entry, at: $0) }
                    }
                case .duplicate: duplicates += 1
                case .wait:
                    if isFirst { vain += state.vain(behind: entry, precedence, at: time.now) }
                }
            }
            return duplicates
        }
        for cancel in vain { cancel() }
        for (idler, entry) in woken { idler.continuation.resume(returning: entry) }
        if duplicates > 0 { wakeStarved() }
    }

    private func start(
        _ entry: HeldEntry, at position: Int, isFirst: Bool = true
    ) -> Workers.Running {
        let worker = Workers.Worker(position: position)
        let task = Task(executorPreference: executor) { await self.run(entry, worker, isFirst) }
        return Workers.Running(lane: entry.lane, task: task, worker: worker)
    }

    /// Everything held that was read in an epoch, by stream.
    func held(in epoch: StoreEpoch) -> [Int: [String]] {
        state.withLock { $0.lanes.held(in: epoch) }
    }

    /// How many lanes are to be tried again and have no slot yet.
    var resumingCount: Int { state.withLock { $0.resuming.count } }

    /// Whether nothing more is held of what may wait for a company.
    var isFullOfCalls: Bool { state.withLock { $0.lanes.isFull(callsOutside: true) } }

    /// How many entries are worked on, or wait behind one of their saga that is.
    var activeCount: Int { state.withLock { $0.lanes.active } }

    /// Those of some entries that are not held.
    func unheld(_ ids: [String], of stream: Int, in epoch: StoreEpoch) -> [String] {
        guard let held = held(in: epoch)[stream] else { return ids }
        let known = Set(held)
        return ids.filter { !known.contains($0) }
    }

    // MARK: - Running

    private func run(_ first: HeldEntry, _ worker: Workers.Worker, _ isFirst: Bool) async {
        var next: HeldEntry? = first
        var isFirst = isFirst
        while let entry = next {
            let place = Place(
                dispatcher: self, lane: entry.lane, worker: worker, isFirst: isFirst,
                epoch: entry.epoch)
            await runLane(from: entry, at: place)
            next = await rest(worker)
            isFirst = true
        }
    }

    /// Waits for the first entry of another lane; nil if the worker has to end.
    private func rest(_ worker: Workers.Worker) async -> HeldEntry? {
        let isSpent = worker.isSpent
        return await withUnsafeContinuation { continuation in
            let idler = Workers.Idle(worker: worker, continuation: continuation)
            let rests = state.withLock { state in
                state.workers.rest(idler, mayRest: !isSpent && !state.isStopping)
            }
            if !rests { continuation.resume(returning: nil) }
        }
    }

    private func runLane(from first: HeldEntry, at place: Place) async {
        var next: HeldEntry? = first
        var place = place
        while let entry = next {
            place.epoch = entry.epoch
            if PlantedFault.isPlanted(.acknowledgedFirst) { acknowledge(entry) }
            // Nothing is begun that could not be brought to its end.
            let isPresent = entry.epoch == epoch() || PlantedFault.isPlanted(.epochsIgnored)
            let ending = isPresent ? await work(entry, place) : .left
            switch ending {
            case .done:
                acknowledge(entry)
                next = finish(at: place)
            case .left:
                next = leave(at: place)
            }
            place.isFirst = false
            if let entry = next, place.worker.isSpent {
                // What was cancelled for one entry must not be so for the next.
                state.withLock { state in
                    state.workers.start { start(entry, at: $0, isFirst: false) }
                }
                next = nil
            }
        }
    }

    /// Goes on with what was read of the saga in a later epoch; without such, drops its lane.
    private func leave(at place: Place) -> HeldEntry? {
        let epoch = epoch()
        let (next, woken) = state.withLock { state in
            place.worker.turn()
            var next: HeldEntry?
            let isDropped = state.dropped.remove(place.lane) != nil
            if place.epoch < epoch || isDropped, !state.isStopping {
                next = state.lanes.leave(place.lane)
            } else {
                state.lanes.abandon(place.lane)
            }
            return (next, state.woken())
        }
        woken?.wake()
        return next
    }

    /// Ends the lane's entry and returns the next one.
    private func finish(at place: Place) -> HeldEntry? {
        let (next, woken) = state.withLock { state in
            place.worker.turn()
            state.dropped.remove(place.lane)
            var next = state.lanes.finish(place.lane)
            if next != nil, state.isStopping {
                state.lanes.abandon(place.lane)
                next = nil
            }
            return (next, state.woken())
        }
        woken?.wake()
        return next
    }

    private func pause(
        _ place: Place, until hasCome: @escaping @Sendable () async -> Void
    ) async -> Bool {
        let key = place.lane
        let pause = state.withLock { state -> Task<Void, Never>? in
            guard !state.isStopping, place.epoch == epoch(), !state.dropped.contains(key)
            else { return nil }
            state.lanes.park(key)
            let pause = Task(executorPreference: executor) { await hasCome() }
            state.pauses[key] = pause
            return pause
        }
        guard let pause else { return false }
        wakeStarved()
        await withTaskCancellationHandler {
            await pause.value
        } onCancel: {
            pause.cancel()
        }
        state.withLock { $0.pauses[key] = nil }
        // What was called off has still to be brought to its end, on a slot.
        guard !Task.isCancelled || place.isCalledOff else { return false }
        while true {
            guard place.epoch == epoch() else { return false }
            if state.withLock({ $0.isStopping || $0.dropped.contains(key) }) { return false }
            if state.withLock({ $0.lanes.resume(key) }) { return true }
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isStopping || state.lanes.hasFreeSlot || place.epoch < epoch() {
                        return true
                    }
                    state.resuming.append((key, continuation))
                    return false
                }
                if isOver { continuation.resume() }
            }
        }
    }

    private func wakeStarved() {
        state.withLock { $0.woken() }?.wake()
    }

    /// Cancels handlers that are busy for longer than they asked for, and returns their lanes.
    func cancelOverdue() -> [String] {
        time.beat()
        let now = time.now
        let overdue = state.withLock { state in
            state.workers.running.compactMap { running in
                running.worker.alarm.withLock { alarm -> (lane: String, cancel: () -> Void)? in
                    guard alarm.overtime.isOver(at: now) else { return nil }
                    alarm.overtime.cancelled(at: now)
                    alarm.isSpent = true
                    return (running.lane, alarm.cancel ?? { running.task.cancel() })
                }
            }
        }
        for running in overdue { running.cancel() }
        return overdue.map(\.lane)
    }

    /// Work that goes on although it was cancelled long ago.
    struct Deaf: Sendable {
        /// Its lanes, and those of them that were not known before.
        var lanes: [String] = []
        var new: [String] = []
        /// Whether some of it keeps its slots or its turns, as no more are lent.
        var keepsSlots = false
    }

    /// Gives the slots of work that ignores its end to others, and its turns.
    func lendSlots() -> Deaf {
        let now = time.now
        let (found, turns, woken) = state.withLock { state in
            var deaf = Deaf()
            var turns: [@Sendable () -> Bool] = []
            for running in state.workers.running where !state.lanes.isParked(running.lane) {
                let (isDeaf, isNew, lend) = running.worker.alarm.withLock { alarm in
                    let isNew = alarm.overtime.turnsDeaf(at: now)
                    return (alarm.overtime.isDeaf, isNew, alarm.lend)
                }
                guard isDeaf else { continue }
                deaf.lanes.append(running.lane)
                if isNew { deaf.new.append(running.lane) }
                if !state.lanes.lend(running.lane) { deaf.keepsSlots = true }
                if let lend { turns.append(lend) }
            }
            return (deaf, turns, state.woken())
        }
        woken?.wake()
        var deaf = found
        for lend in turns where !lend() { deaf.keepsSlots = true }
        return deaf
    }

    /// Drops what was read before this epoch and waits, for its turn or to try again.
    func dropBefore(_ epoch: StoreEpoch) {
        drop { $0.lanes.dropBefore(epoch) }
    }

    /// Drops all that waits, for its turn or to try again: others have it by now.
    ///
    /// What runs goes on to its end; of two who do the same the ledger lets one through.
    func dropAll() {
        drop { state in
            state.lanes.dropWaiting()
            state.dropped.formUnion(state.lanes.keys)
        }
    }

    /// Returns once a task had its turn where lanes run, and the lock was free: what comes in here
    /// goes on.
    func answer() async {
        await Task(executorPreference: executor) { self.state.withLock { _ in } }.value
    }

    private func drop(_ change: (inout State) -> Void) {
        let (pauses, resuming) = state.withLock { state in
            change(&state)
            defer { state.resuming = [] }
            return (Array(state.pauses.values), state.resuming)
        }
        for pause in pauses { pause.cancel() }
        for waiting in resuming { waiting.continuation.resume() }
        wakeStarved()
    }

    // MARK: - Stopping

    /// Starts nothing more.
    ///
    /// Entries that wait for another try stay pending; what runs may finish.
    func stop() {
        let (pauses, resuming, dismissed) = state.withLock { state in
            state.isStopping = true
            let dismissed = state.workers.dismiss()
            let pauses = Array(state.pauses.values)
            let resuming = state.resuming
            state.resuming = []
            return (pauses, resuming, dismissed)
        }
        for idler in dismissed { idler.continuation.resume(returning: nil) }
        // Not the workers: who pauses may do so in a task that its worker's end does not reach.
        for pause in pauses { pause.cancel() }
        for waiting in resuming { waiting.continuation.resume() }
        wakeStarved()
    }

    /// Waits until nothing is held any more; `stop()` came before.
    func drain() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if state.lanes.isEmpty { return true }
                state.drained = continuation
                return false
            }
            if isEmpty { continuation.resume() }
        }
    }

    /// Cancels what still runs, and stops waiting for it.
    func cancelAll() {
        let (tasks, drained) = state.withLock { state in
            var drained: CheckedContinuation<Void, Never>?
            swap(&drained, &state.drained)
            return (state.workers.running.map(\.task), drained)
        }
        for task in tasks { task.cancel() }
        drained?.resume()
    }
}
