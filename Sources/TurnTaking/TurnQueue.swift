import Synchronization

/// Lets at most so many go on at once, in the order in which they came.
///
/// `Turns` decides; this holds who waits.
package final class TurnQueue: Sendable {
    private struct State {
        var turns: Turns
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    /// A place in the queue, from `enter()` to `leave()`.
    package struct Turn: Sendable {
        fileprivate let queue: TurnQueue
        fileprivate let number: Int

        package var isGranted: Bool {
            queue.state.withLock { $0.turns.isGranted(number) }
        }

        /// Waits for the turn, or for this task's cancellation; `isGranted` says which it was.
        package func wait() async {
            await queue.wait(for: number)
        }

        /// Lets the next one go on beside this one, which does not end; false if as many turns
        /// are lent as there are, and this is none of them.
        package func lend() -> Bool {
            queue.lend(number)
        }

        /// Makes room for the next one, once.
        package func leave() {
            queue.leave(number)
        }
    }

    private let state: Mutex<State>

    package init(atMost count: Int) {
        state = Mutex(State(turns: Turns(atMost: count)))
    }

    /// How many wait for their turn.
    package var waitingCount: Int { state.withLock { $0.turns.waitingCount } }

    /// A place behind all that wait; who takes it has to leave it.
    package func enter() -> Turn {
        Turn(queue: self, number: state.withLock { $0.turns.enter() })
    }

    private func wait(for number: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // A cancellation that comes later finds the continuation.
                    if state.turns.isGranted(number) || Task.isCancelled { return true }
                    state.waiting[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
        }
    }

    private func lend(_ number: Int) -> Bool {
        let (isLent, next) = state.withLock { state in
            let next = state.turns.lend(number).flatMap { state.waiting.removeValue(forKey: $0) }
            return (!state.turns.keeps(number), next)
        }
        next?.resume()
        return isLent
    }

    private func leave(_ number: Int) {
        state.withLock { state in
            state.turns.leave(number).flatMap { state.waiting.removeValue(forKey: $0) }
        }?.resume()
    }
}
