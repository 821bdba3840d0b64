import NIOCore
import Synchronization

/// Runs tasks on the thread of an event loop, those that are ready in one turn.
///
///     job ──▶ ready ──first one wakes the loop──▶ one turn runs them ──▶ what they send: one write
///                                                  └─ many: the rest in the next turn
///
/// A task that waits for Redis goes on where its reply was read: no other thread has to wake up
/// for it, and there is no lock that two threads want.
final class LoopExecutor: TaskExecutor, @unchecked Sendable {
    /// After so many jobs the loop writes what they sent and looks at its sockets, so that the
    /// server has something to do while the others run.
    private static let jobsMaximum = 64

    private struct State {
        var ready: [UnownedJob] = []
        var isTurnDue = false
    }

    private let eventLoop: any EventLoop
    private let state = Mutex(State())

    // The event loop's.
    private var running: [UnownedJob] = []
    private var next = 0

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
        for _ in 0..<Self.jobsMaximum {
            guard next < running.count || takeReady() else { return }
            let job = running[next]
            next += 1
            job.runSynchronously(on: executor)
        }
        eventLoop.execute { self.turn() }
    }

    /// Takes over what became ready; false if there is nothing, and then no turn is due.
    private func takeReady() -> Bool {
        running.removeAll(keepingCapacity: true)
        next = 0
        state.withLock { state in
            swap(&running, &state.ready)
            if running.isEmpty { state.isTurnDue = false }
        }
        return !running.isEmpty
    }
}
