import Synchronization

/// Changes whose end nobody told, until they are looked after once more.
///
///     add ─► waits ─┬─ its time has come ─► taken
///                   └─ the gateway stops ─► taken with all others, and none is added
final class LateChanges: Sendable {
    private struct State {
        var waiting: [UInt64: [CacheTag]] = [:]
        var last: UInt64 = 0
        var isStopped = false
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: changes that may wait at one time.
    init(limit: Int) {
        self.limit = limit
    }

    /// The number to take it by, or `nil` if it cannot wait.
    func add(_ tags: [CacheTag]) -> UInt64? {
        state.withLock { state in
            guard !state.isStopped, state.waiting.count < limit else { return nil }
            state.last += 1
            state.waiting[state.last] = tags
            return state.last
        }
    }

    /// What a change changed, if it still waits.
    func take(_ number: UInt64) -> [CacheTag]? {
        state.withLock { $0.waiting.removeValue(forKey: number) }
    }

    /// All that waiting changes changed.
    func stop() -> Set<CacheTag> {
        state.withLock { state in
            state.isStopped = true
            defer { state.waiting = [:] }
            return Set(state.waiting.values.joined())
        }
    }
}
