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
        var task: Task<Void, Never>
        var alarm: Alarm
    }

    private struct State {
        var lanes: Lanes
        var tasks: [String: Running] = [:]
        var starved: [Bell] = []
        var resuming: [CheckedContinuation<Void, Never>] = []
        var isStopping = false
        var drained: CheckedContinuation<Void, Never>?
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
        state.withLock { $0.lanes.giveBack(count) }
        wakeStarved()
    }

    /// Takes what a read brought, each entry on a slot reserved for it.
    func admit(_ entries: [HeldEntry]) {
        let duplicates = state.withLock { state in
            var duplicates = 0
            for entry in entries {
                switch state.lanes.admit(entry) {
                case .start:
                    let key = entry.lane
                    let place = Place(dispatcher: self, lane: key, alarm: Alarm())
                    state.tasks[key] = Running(
                        task: Task(executorPreference: executor) {
                            await self.run(entry, at: place)
                        }, alarm: place.alarm)
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
        let key = place.lane
        var next: HeldEntry? = first
        while let entry = next {
            switch await work(entry, place) {
            case .done:
                acknowledge(entry)
                next = state.withLock { state in
                    let next = state.lanes.finish(key)
                    guard next != nil, state.isStopping else {
                        if next == nil { state.tasks[key] = nil }
                        return next
                    }
                    Self.abandon(key, &state)
                    return nil
                }
            case .left:
                state.withLock { Self.abandon(key, &$0) }
                next = nil
            }
            wakeStarved()
        }
    }

    private static func abandon(_ key: String, _ state: inout State) {
        state.lanes.abandon(key)
        state.tasks[key] = nil
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

    /// A slot may be free: one that waits to try again goes before whatever is new.
    private func wakeStarved() {
        let (bells, resumed, drained) = state.withLock { state in
            var resumed: CheckedContinuation<Void, Never>?
            if !state.resuming.isEmpty, state.lanes.hasFreeSlot {
                resumed = state.resuming.removeFirst()
            }
            let bells = state.starved
            state.starved = []
            var drained: CheckedContinuation<Void, Never>?
            if state.isStopping, state.lanes.isEmpty { swap(&drained, &state.drained) }
            return (bells, resumed, drained)
        }
        for bell in bells { bell.ring() }
        resumed?.resume()
        drained?.resume()
    }

    /// Cancels handlers that are busy for longer than they asked for, and answers their lanes.
    func cancelOverdue() -> [String] {
        let overdue = state.withLock { state in
            let now = ContinuousClock.now
            return state.tasks.compactMap { lane, running in
                running.alarm.state.withLock { alarm -> (lane: String, cancel: () -> Void)? in
                    guard let time = alarm.time, time < now else { return nil }
                    alarm.time = nil
                    return (lane, alarm.cancel ?? { running.task.cancel() })
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
            let parked = state.tasks.filter { state.lanes.isParked($0.key) }.map(\.value.task)
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
            return (state.tasks.values.map(\.task), drained)
        }
        for task in tasks { task.cancel() }
        drained?.resume()
    }
}
