import NIOCore
import Synchronization

/// Runs tasks on the thread of an event loop, all that are ready in one turn.
///
///     job ──▶ ready ──first one wakes the loop──▶ one turn runs them ──▶ what they send: one write
///
/// A task that waits for Redis goes on where its reply was read: no other thread has to wake up
/// for it, and there is no lock that two threads want.
final class LoopExecutor: TaskExecutor {
    /// After so many rounds of one turn the loop looks at its sockets again.
    private static let roundsMaximum = 8

    private struct State {
        var ready: [UnownedJob] = []
        var isTurnDue = false
    }

    private let eventLoop: any EventLoop
    private let state = Mutex(State())

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isFirst = state.withLock { state in
            state.ready.append(job)
            defer { state.isTurnDue = true }
            return !state.isTurnDue
        }
        if isFirst { eventLoop.execute { self.turn() } }
    }

    private func turn() {
        let executor = asUnownedTaskExecutor()
        var jobs: [UnownedJob] = []
        for _ in 0..<Self.roundsMaximum {
            state.withLock { state in
                swap(&jobs, &state.ready)
                if jobs.isEmpty { state.isTurnDue = false }
            }
            if jobs.isEmpty { return }
            for job in jobs { job.runSynchronously(on: executor) }
            jobs.removeAll(keepingCapacity: true)
        }
        eventLoop.execute { self.turn() }
    }
}
