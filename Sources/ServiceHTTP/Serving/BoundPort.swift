import Synchronization

/// Tells which port a server listens on, as soon as it does.
///
/// Mostly for tests, which let the system choose.
public final class BoundPort: Sendable {
    private enum State {
        case waiting([Int: CheckedContinuation<Int, any Error>])
        case known(Int)
    }

    private struct Waiters {
        var state = State.waiting([:])
        var nextNumber = 0
    }

    private let waiters = Mutex(Waiters())

    init() {}

    /// Waits until the server listens.
    ///
    /// Throws `CancellationError` when cancelled; has no time-out
    /// of its own, since a server that cannot listen ends with an error.
    public var value: Int {
        get async throws {
            let number = waiters.withLock { waiters in
                waiters.nextNumber += 1
                return waiters.nextNumber
            }
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    add(continuation, number)
                }
            } onCancel: {
                remove(number)?.resume(throwing: CancellationError())
            }
        }
    }

    func resolve(_ port: Int) {
        let waiting = waiters.withLock { waiters -> [CheckedContinuation<Int, any Error>] in
            guard case .waiting(let continuations) = waiters.state else { return [] }
            waiters.state = .known(port)
            return Array(continuations.values)
        }
        for continuation in waiting { continuation.resume(returning: port) }
    }

    private func add(_ continuation: CheckedContinuation<Int, any Error>, _ number: Int) {
        let port = waiters.withLock { waiters -> Int? in
            switch waiters.state {
            case .known(let port): return port
            case .waiting(var continuations):
                waiters.state = .waiting([:])
                continuations[number] = continuation
                waiters.state = .waiting(continuations)
                return nil
            }
        }
        if let port {
            continuation.resume(returning: port)
        } else if Task.isCancelled {
            remove(number)?.resume(throwing: CancellationError())
        }
    }

    private func remove(_ number: Int) -> CheckedContinuation<Int, any Error>? {
        waiters.withLock { waiters in
            guard case .waiting(var continuations) = waiters.state else { return nil }
            waiters.state = .waiting([:])
            let removed = continuations.removeValue(forKey: number)
            waiters.state = .waiting(continuations)
            return removed
        }
    }
}
