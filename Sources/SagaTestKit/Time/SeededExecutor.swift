import Synchronization

/// Runs the tasks of a simulation one job at a time, in an order that a seed decides.
///
///     enqueue ──▶ waiting jobs ──chosen by the seed──▶ runOne
///
/// Everything that runs here is run by whoever calls `runOne`, and by nobody else; so the same
/// seed gives the same order, as long as nothing enqueues from another thread.
package final class SeededExecutor: TaskExecutor {
    private struct State {
        var random: SeededRandom
        var jobs: [UnownedJob] = []
    }

    private let state: Mutex<State>

    package init(seed: UInt64) {
        state = Mutex(State(random: SeededRandom(seed: seed)))
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
    }

    /// Runs one job up to where it next waits; false if there is none.
    package func runOne() -> Bool {
        let job = state.withLock { state -> UnownedJob? in
            guard !state.jobs.isEmpty else { return nil }
            let chosen = state.random.below(state.jobs.count)
            state.jobs.swapAt(chosen, state.jobs.count - 1)
            return state.jobs.removeLast()
        }
        guard let job else { return false }
        job.runSynchronously(on: asUnownedTaskExecutor())
        return true
    }
}
