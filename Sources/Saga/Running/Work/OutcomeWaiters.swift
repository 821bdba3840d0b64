import Synchronization

/// Tasks that wait for a saga's end, and are told of it.
///
/// Every wait has a time limit, and looks at the ledger before and after; so a telling that is
/// missed costs time, never truth.
final class OutcomeWaiters: Sendable {
    private struct Waiter {
        var continuation: CheckedContinuation<SagaStatus?, Never>
        var alarm: Task<Void, Never>

        func end(_ status: SagaStatus?) {
            alarm.cancel()
            continuation.resume(returning: status)
        }
    }

    private struct State {
        var next = 0
        var waiting: [String: [Int: Waiter]] = [:]
    }

    private let executor: (any TaskExecutor)?
    private let clock: any SagaClock
    private let state = Mutex(State())

    init(_ executor: (any TaskExecutor)?, _ clock: any SagaClock) {
        self.executor = executor
        self.clock = clock
    }

    var isEmpty: Bool { state.withLock { $0.waiting.isEmpty } }

    /// Waits until told, or until the time is over.
    func wait(for sagaID: String, atMost limit: Duration) async -> SagaStatus? {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = state.withLock { state in
                    if Task.isCancelled { return true }
                    let alarm = Task(executorPreference: self.executor) {
                        guard (try? await self.clock.sleep(for: limit)) != nil else { return }
                        self.end(number, of: sagaID)
                    }
                    state.waiting[sagaID, default: [:]][number] = Waiter(
                        continuation: continuation, alarm: alarm)
                    return false
                }
                if isCancelled { continuation.resume(returning: nil) }
            }
        } onCancel: {
            end(number, of: sagaID)
        }
    }

    /// Tells all who wait for a saga.
    func wake(_ sagaID: String, _ status: SagaStatus?) {
        let woken = state.withLock { $0.waiting.removeValue(forKey: sagaID) }
        for waiter in (woken ?? [:]).values { waiter.end(status) }
    }

    /// Lets all look at the ledger again: messages may have been missed.
    func wakeAll() {
        let woken = state.withLock { state in
            let woken = state.waiting.values.flatMap { $0.values }
            state.waiting = [:]
            return woken
        }
        for waiter in woken { waiter.end(nil) }
    }

    private func end(_ number: Int, of sagaID: String) {
        let waiter = state.withLock { state in
            let waiter = state.waiting[sagaID]?.removeValue(forKey: number)
            if state.waiting[sagaID]?.isEmpty == true { state.waiting[sagaID] = nil }
            return waiter
        }
        waiter?.end(nil)
    }
}
