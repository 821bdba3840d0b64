import Saga
import Synchronization
import TroupeRedis

/// Sends the transitions that come in one turn together: those of one shape in one script.
///
///     step ─┐ wait                      16 of a shape ──at once──▶ EVALSHA ──▶ an answer each
///     step ─┼──────▶ waiting, by shape ─┤
///     step ─┘   (first one starts task) └ the rest ──a task──▶ EVALSHA for each shape
///
/// They have nothing to do with each other; only the cost of a script is shared. Each has an
/// answer of its own, also one that fails; nothing is run again here. A script without an answer
/// may have been run, which only a ledger field can tell: what has none goes alone.
final class TransitionQueue: Sendable {
    private struct Waiting: Sendable {
        var request: TransitionRequest
        var epoch: RedisEpoch?
        var continuation: UnsafeContinuation<Result<RedisValue, SagaError>, Never>
    }

    /// What goes into one script.
    private struct Kind: Hashable {
        /// The script of their shape.
        var script: ObjectIdentifier
        /// The only epoch in which they may be sent, if only one will do.
        var epoch: RedisEpoch?
    }

    private struct State {
        var waiting: [Kind: [Waiting]] = [:]
        var count = 0
        var isTaskDue = false
    }

    private enum Admission {
        case queued
        /// A task has to send what waits.
        case first
        /// These are enough for a script.
        case full([Waiting])
        case refused
    }

    /// More in one script would keep the server from others for too long.
    private static let batchMaximum = 16
    private static let waitingMaximum = 65_536

    private let redis: RedisClient
    private let state = Mutex(State())

    init(_ redis: RedisClient) {
        self.redis = redis
    }

    /// Runs the script for a request and returns its answer, which `TransitionRequest` reads.
    ///
    /// Cancellation does not end it, as the outcome would be unknown; the time-out of commands
    /// does.
    ///
    /// - Parameter epoch: the only one in which it may be sent; nil for any.
    func run(
        _ request: TransitionRequest, in epoch: RedisEpoch?
    ) async throws(SagaError) -> RedisValue {
        try await withUnsafeContinuation { continuation in
            let one = Waiting(request: request, epoch: epoch, continuation: continuation)
            switch request.isMarked ? state.withLock({ Self.admit(one, to: &$0) }) : .full([one]) {
            case .queued: break
            case .first: Task(executorPreference: redis.executor) { self.sendAll() }
            case .full(let batch): start(batch)
            case .refused:
                continuation.resume(
                    returning: .failure(
                        SagaError(.unavailable, "too many transitions wait", retry: .later)))
            }
        }.get()
    }

    private static func admit(_ one: Waiting, to state: inout State) -> Admission {
        guard state.count < waitingMaximum else { return .refused }
        let kind = Kind(script: ObjectIdentifier(one.request.script), epoch: one.epoch)
        state.waiting[kind, default: []].append(one)
        state.count += 1
        if state.waiting[kind]?.count == batchMaximum {
            let batch = state.waiting.removeValue(forKey: kind) ?? []
            state.count -= batch.count
            return .full(batch)
        }
        defer { state.isTaskDue = true }
        return state.isTaskDue ? .queued : .first
    }

    private func sendAll() {
        let batches = state.withLock { state in
            defer { state = State() }
            return state.waiting.values
        }
        for batch in batches { start(batch) }
    }

    /// Sends a batch before this returns, where that can be, so that the server gets to work
    /// while others are still being made.
    private func start(_ batch: [Waiting]) {
        if #available(macOS 26, *) {
            Task.immediate(executorPreference: redis.executor) { await self.send(batch) }
        } else {
            Task(executorPreference: redis.executor) { await self.send(batch) }
        }
    }

    private func send(_ batch: [Waiting]) async {
        do throws(RedisError) {
            let answers = try await evaluate(batch)
            for (index, one) in batch.enumerated() {
                one.continuation.resume(returning: Self.answer(answers[index]))
            }
        } catch {
            for one in batch { one.continuation.resume(returning: .failure(SagaError(error))) }
        }
    }

    /// Runs the script that all of a batch have in common.
    private func evaluate(_ batch: [Waiting]) async throws(RedisError) -> RedisValue {
        let script = batch[0].request.script
        var keys = RedisArguments(capacity: 64 + batch.count * 192)
        var values = RedisArguments(capacity: batch.count * 1024)
        keys.append(contentsOf: script.sharedKeys)
        for one in batch { one.request.append(toKeys: &keys, values: &values) }
        return try await redis.evaluate(
            script.script, keys: keys, arguments: values, in: batch[0].epoch)
    }

    private static func answer(_ answer: RedisValue?) -> Result<RedisValue, SagaError> {
        guard let answer else {
            return .failure(
                SagaError(.unexpectedState, "the transition script answered something else"))
        }
        return .success(answer)
    }
}
