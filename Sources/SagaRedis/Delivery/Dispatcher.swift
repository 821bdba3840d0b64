import Synchronization

/// Starts a task per saga for what the readers bring, within the limits that `Lanes` keeps.
final class Dispatcher: Sendable {
    /// How an entry ended.
    enum Ending: Sendable {
        /// It is dealt with and can be acknowledged.
        case done
        /// The runtime stops; the entry stays pending for the next process.
        case left
    }

    typealias Work = @Sendable (HeldEntry, Place) async -> Ending

    /// What work may ask of the place where it runs.
    struct Place: Sendable {
        fileprivate let dispatcher: Dispatcher
        fileprivate let lane: String
        /// Position of its task among those that run.
        fileprivate let position: Int
        fileprivate let alarm: Alarm

        /// Whether nothing new is to be tried.
        var isStopping: Bool { dispatcher.state.withLock { $0.isStopping } }

        /// Waits without a slot; false if the runtime stops meanwhile.
        func pause(_ duration: Duration) async -> Bool {
            await dispatcher.pause(lane, for: duration)
        }

        /// Cancels this task if it is still busy after so long; nil takes that back.
        func limit(_ limit: Duration?) {
            alarm.state.withLock { $0.time = limit.map { .now + $0 } }
        }

        /// What the limit cancels in place of this task: work that its end must not reach.
        func limit(cancels cancel: (@Sendable () -> Void)?) {
            alarm.state.withLock { $0.cancel = cancel }
        }
    }

    /// When a lane's task is busy for too long.
    fileprivate final class Alarm: Sendable {
        struct State {
            var time: ContinuousClock.Instant?
            var cancel: (@Sendable () -> Void)?
        }

        let state = Mutex(State())
    }

    private struct Running {
        var lane: String
        var task: Task<Void, Never>
        var alarm: Alarm
    }

    /// Whom to tell that a slot may be free.
    private struct Woken {
        var bells: [Bell] = []
        var resumed: CheckedContinuation<Void, Never>?
        var drained: CheckedContinuation<Void, Never>?

        func wake() {
            for bell in bells { bell.ring() }
            resumed?.resume()
            drained?.resume()
        }
    }

    private struct State {
        var lanes: Lanes
        /// Lanes' tasks, each at a position that it keeps; nil where there is none now.
        private var tasks: [Running?] = []
        private var vacant: [Int] = []
        var starved: [Bell] = []
        var resuming: [CheckedContinuation<Void, Never>] = []
        var isStopping = false
        var drained: CheckedContinuation<Void, Never>?

        init(lanes: Lanes) {
            self.lanes = lanes
        }

        var running: some Sequence<Running> { tasks.lazy.compactMap { $0 } }

        mutating func start(_ make: (_ position: Int) -> Running) {
            let position = vacant.popLast() ?? tasks.count
            if position == tasks.count { tasks.append(nil) }
            tasks[position] = make(position)
        }

        mutating func end(_ position: Int) {
            tasks[position] = nil
            vacant.append(position)
        }

        mutating func abandon(_ place: Place) {
            lanes.abandon(place.lane)
            end(place.position)
        }

        /// A slot may be free: one that waits to try again goes before whatever is new.
        mutating func woken() -> Woken? {
            guard !starved.isEmpty || !resuming.isEmpty || isStopping else { return nil }
            var woken = Woken()
            if !resuming.isEmpty, lanes.hasFreeSlot { woken.resumed = resuming.removeFirst() }
            swap(&woken.bells, &starved)
            if isStopping, lanes.isEmpty { swap(&woken.drained, &drained) }
            return woken
        }
    }

    private let state: Mutex<State>
    private let work: Work
    private let executor: (any TaskExecutor)?
    private let acknowledge: @Sendable (HeldEntry) -> Void

    init(
        concurrency: Int, parkedMaximum: Int, executor: (any TaskExecutor)?,
        work: @escaping Work,
        acknowledge: @escaping @Sendable (HeldEntry) -> Void
    ) {
        state = Mutex(
            State(lanes: Lanes(concurrency: concurrency, parkedMaximum: parkedMaximum)))
        self.work = work
        self.executor = executor
        self.acknowledge = acknowledge
    }

    /// Reserves slots for a read; if there are none, `bell` rings when there may be some.
    func reserve(upTo count: Int, orRing bell: Bell) -> Int {
        state.withLock { state in
            guard !state.isStopping else { return 0 }
            let granted = state.lanes.reserve(upTo: count)
            if granted == 0, !state.starved.contains(where: { $0 === bell }) {
                state.starved.append(bell)
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
    func admit(_ entries: [HeldEntry]) {
        let duplicates = state.withLock { state in
            var duplicates = 0
            for entry in entries {
                switch state.lanes.admit(entry) {
                case .start:
                    let key = entry.lane
                    state.start { position in
                        let place = Place(
                            dispatcher: self, lane: key, position: position, alarm: Alarm())
                        let task = Task(executorPreference: executor) {
                            await self.run(entry, at: place)
                        }
                        return Running(lane: key, task: task, alarm: place.alarm)
                    }
                case .duplicate: duplicates += 1
                case .wait: break
                }
            }
            return duplicates
        }
        if duplicates > 0 { wakeStarved() }
    }

    /// Everything held, by stream, for the renewal of its lease.
    var held: [Int: [String]] { state.withLock { $0.lanes.held } }

    // MARK: - Running

    private func run(_ first: HeldEntry, at place: Place) async {
        var next: HeldEntry? = first
        while let entry = next {
            switch await work(entry, place) {
            case .done:
                acknowledge(entry)
                next = finish(at: place)
            case .left:
                state.withLock { state in
                    state.abandon(place)
                    return state.woken()
                }?.wake()
                next = nil
            }
        }
    }

    /// Ends the lane's entry and answers the next one.
    private func finish(at place: Place) -> HeldEntry? {
        let (next, woken) = state.withLock { state in
            var next = state.lanes.finish(place.lane)
            if next == nil {
                state.end(place.position)
            } else if state.isStopping {
                state.abandon(place)
                next = nil
            }
            return (next, state.woken())
        }
        woken?.wake()
        return next
    }

    private func pause(_ key: String, for duration: Duration) async -> Bool {
        let isStopping = state.withLock { state in
            if !state.isStopping { state.lanes.park(key) }
            return state.isStopping
        }
        guard !isStopping else { return false }
        wakeStarved()
        guard (try? await Task.sleep(for: duration)) != nil else { return false }
        while true {
            if state.withLock({ $0.isStopping }) { return false }
            if state.withLock({ $0.lanes.resume(key) }) { return true }
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isStopping || state.lanes.hasFreeSlot { return true }
                    state.resuming.append(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        }
    }

    private func wakeStarved() {
        state.withLock { $0.woken() }?.wake()
    }

    /// Cancels handlers that are busy for longer than they asked for, and answers their lanes.
    func cancelOverdue() -> [String] {
        let overdue = state.withLock { state in
            let now = ContinuousClock.now
            return state.running.compactMap { running in
                running.alarm.state.withLock { alarm -> (lane: String, cancel: () -> Void)? in
                    guard let time = alarm.time, time < now else { return nil }
                    alarm.time = nil
                    return (running.lane, alarm.cancel ?? { running.task.cancel() })
                }
            }
        }
        for running in overdue { running.cancel() }
        return overdue.map(\.lane)
    }

    // MARK: - Stopping

    /// Starts nothing more.
    ///
    /// Entries that wait for another try stay pending in Redis; what runs may finish.
    func stop() {
        let (parked, resuming) = state.withLock { state in
            state.isStopping = true
            let parked = state.running.filter { state.lanes.isParked($0.lane) }.map(\.task)
            let resuming = state.resuming
            state.resuming = []
            return (parked, resuming)
        }
        for task in parked { task.cancel() }
        for continuation in resuming { continuation.resume() }
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
            return (state.running.map(\.task), drained)
        }
        for task in tasks { task.cancel() }
        drained?.resume()
    }
}
