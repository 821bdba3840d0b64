import NIOPosix
import Synchronization

//   append ──► waiting ──┐            ┌──► waiters up to there resume
//   append ──► waiting ──┼──► write ──┤
//   append ──► waiting ──┘    sync    └──► anything waiting? once more
//
// One sync for all that came while the last one ran. A failed write ends it: what memory knows is
// then ahead of the disk, so nothing is promised any more until a restart reads the file.

/// Makes lines durable, many with one sync, on a thread of its own choosing.
final class Journal: Sendable {
    private struct Waiter {
        var number: Int
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var waiting: [UInt8] = []
        var lastNumber: Int
        var durableNumber: Int
        var isWriting = false
        var failure: SandboxError?
        var waiters: [Waiter] = []
    }

    /// More than this many bytes unsynced, and appending is refused.
    private static let waitingMaximum = 16 * 1_048_576

    private let file: FileBox
    private let state: Mutex<State>

    /// Lets the class hold the file, which cannot be copied.
    private final class FileBox: Sendable {
        let file: JournalFile
        init(_ file: consuming JournalFile) { self.file = file }
    }

    /// A journal on a file that holds so many lines already.
    init(_ file: consuming JournalFile, lines: Int) {
        self.file = FileBox(file)
        self.state = Mutex(State(lastNumber: lines, durableNumber: lines))
    }

    /// Whether everything written so far could be made durable.
    var isHealthy: Bool { state.withLock { $0.failure == nil } }

    /// Takes a line for the next number.
    ///
    /// Returns at once; wait with ``durable(_:)``.
    func append(_ line: [UInt8]) throws(SandboxError) {
        let (failure, mustStart) = state.withLock { state -> (SandboxError?, Bool) in
            if let failure = state.failure { return (failure, false) }
            guard state.waiting.count < Self.waitingMaximum else {
                return (SandboxError(.writeFailed, "the disk cannot keep up"), false)
            }
            state.waiting.append(contentsOf: line)
            state.lastNumber += 1
            let mustStart = !state.isWriting
            state.isWriting = true
            return (nil, mustStart)
        }
        if let failure { throw failure }
        if mustStart {
            NIOThreadPool.singleton.submit { _ in self.writeWaiting() }
        }
    }

    /// Returns as soon as every line up to that number is on the disk.
    ///
    /// Cannot be cancelled: it takes no longer than the disk does, and what it waits for happens.
    func durable(_ number: Int) async throws {
        try await withCheckedThrowingContinuation { continuation in
            let result = state.withLock { state -> Result<Void, any Error>? in
                if state.durableNumber >= number { return .success(()) }
                if let failure = state.failure { return .failure(failure) }
                state.waiters.append(Waiter(number: number, continuation: continuation))
                return nil
            }
            if let result { continuation.resume(with: result) }
        }
    }

    /// Runs on a thread of the pool, one at a time.
    private func writeWaiting() {
        while true {
            let (bytes, number) = state.withLock { state in
                let bytes = state.waiting
                state.waiting = []
                if bytes.isEmpty { state.isWriting = false }
                return (bytes, state.lastNumber)
            }
            if bytes.isEmpty { return }
            do throws(SandboxError) {
                try file.file.append(bytes)
                settle(upTo: number)
            } catch {
                fail(error)
                return
            }
        }
    }

    private func settle(upTo number: Int) {
        let settled = state.withLock { state in
            state.durableNumber = number
            let settled = state.waiters.filter { $0.number <= number }
            state.waiters.removeAll { $0.number <= number }
            return settled
        }
        for waiter in settled { waiter.continuation.resume() }
    }

    private func fail(_ error: SandboxError) {
        let waiters = state.withLock { state in
            state.failure = error
            state.isWriting = false
            let waiters = state.waiters
            state.waiters = []
            return waiters
        }
        for waiter in waiters { waiter.continuation.resume(throwing: error) }
    }
}
