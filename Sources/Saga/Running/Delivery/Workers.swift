import Synchronization

/// The tasks that run lanes, one lane after another; knows where each stands, and who is idle.
///
/// Not a pure type, as it holds tasks and continuations, but it never touches them.
struct Workers {
    final class Worker: Sendable {
        /// When it is busy for too long.
        struct Alarm {
            var overtime = Overtime()
            var cancel: (@Sendable () -> Void)?
            /// The step that is tried, if that may be cancelled because it is to be undone.
            var step: String?
            /// Steps of the entry at which it works that are to be undone by one that waits.
            var calledOff: Set<String> = []

            /// Lends the turn that its step has taken, if it has to take turns; false if it cannot.
            var lend: (@Sendable () -> Bool)?

            /// Whether what is tried is to be undone.
            var isCalledOff: Bool { step.map(calledOff.contains) ?? false }
            /// Whether it went off: from then on the task may be cancelled at any moment.
            var isSpent = false
        }

        /// Where it stands among all that there are.
        let position: Int
        let alarm = Mutex(Alarm())

        /// Whether the task that runs here may have been cancelled, or may be at any moment.
        var isSpent: Bool { alarm.withLock { $0.isSpent } || Task.isCancelled }

        init(position: Int) {
            self.position = position
        }

        /// Goes on to another entry, with whose admission nothing may come between.
        func turn() {
            alarm.withLock { alarm in
                alarm.step = nil
                alarm.calledOff = []
                alarm.overtime = Overtime()
            }
        }

        /// Notes which steps of its entry are to be undone; what has to be cancelled for that.
        func callOff(
            _ steps: Set<String>, of task: Task<Void, Never>, at now: ContinuousClock.Instant
        ) -> (() -> Void)? {
            alarm.withLock { alarm in
                let wasCalledOff = alarm.isCalledOff
                alarm.calledOff.formUnion(steps)
                guard alarm.isCalledOff, !wasCalledOff else { return nil }
                alarm.isSpent = true
                alarm.overtime.cancelled(at: now)
                return alarm.cancel ?? { task.cancel() }
            }
        }
    }

    struct Running {
        var lane: String
        var task: Task<Void, Never>
        var worker: Worker
    }

    struct Idle {
        var worker: Worker
        var continuation: UnsafeContinuation<HeldEntry?, Never>
    }

    /// Each keeps some ten kilobytes.
    private static let idleMaximum = 256

    /// Each at a position that it keeps; nil where there is none now.
    private var all: [Running?] = []
    private var vacant: [Int] = []
    private var idle: [Idle] = []

    var running: some Sequence<Running> { all.lazy.compactMap { $0 } }

    mutating func start(_ make: (_ position: Int) -> Running) {
        let position = vacant.popLast() ?? all.count
        if position == all.count { all.append(nil) }
        all[position] = make(position)
    }

    /// Takes a worker back whose lane is empty; false if it has to end.
    mutating func rest(_ idler: Idle, mayRest: Bool) -> Bool {
        guard mayRest, idle.count < Self.idleMaximum else {
            remove(idler.worker)
            return false
        }
        all[idler.worker.position]?.lane = ""
        idle.append(idler)
        return true
    }

    /// A worker for a lane, if one is idle: the one that rested last.
    mutating func wake(for lane: String) -> Idle? {
        guard let idler = idle.popLast() else { return nil }
        all[idler.worker.position]?.lane = lane
        return idler
    }

    /// Takes all idle workers, which are to end.
    mutating func dismiss() -> [Idle] {
        defer { idle = [] }
        for idler in idle { remove(idler.worker) }
        return idle
    }

    private mutating func remove(_ worker: Worker) {
        all[worker.position] = nil
        vacant.append(worker.position)
    }
}
