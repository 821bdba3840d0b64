import Redis
import Saga
import Synchronization

/// Sends the transitions that come in one turn together: those of one shape in one script.
///
///     step ─┐ wait                      ┌──── EVALSHA, up to 16 ────▶ an answer each
///     step ─┼──────▶ waiting ──a task──▶┤
///     step ─┘   (first one starts it)   └──── EVALSHA …
///
/// They have nothing to do with each other; only the cost of a script is shared. When one of
/// them makes the script fail, each is run again alone: those that were applied before it find
/// their own text in the ledger. What has no ledger field could not tell, and so goes alone.
final class TransitionQueue: Sendable {
    private struct Waiting: Sendable {
        var request: TransitionRequest
        var continuation: UnsafeContinuation<Result<RedisValue, SagaError>, Never>
    }

    /// More in one script would keep the server from others for too long.
    private static let batchMaximum = 16
    private static let waitingMaximum = 65_536

    private let redis: RedisClient
    /// While it is not empty, a task to send it is due.
    private let waiting = Mutex<[Waiting]>([])

    init(_ redis: RedisClient) {
        self.redis = redis
    }

    /// Runs the script for a request and returns its answer, which `TransitionRequest` reads.
    ///
    /// Cancellation does not end it, as the outcome would be unknown; the time-out of commands
    /// does.
    func run(_ request: TransitionRequest) async throws(SagaError) -> RedisValue {
        try await withUnsafeContinuation { continuation in
            let one = Waiting(request: request, continuation: continuation)
            let isFirst: Bool? = waiting.withLock { waiting in
                guard waiting.count < Self.waitingMaximum else { return nil }
                waiting.append(one)
                return waiting.count == 1
            }
            switch isFirst {
            case true?: Task(executorPreference: redis.executor) { await self.send() }
            case false?: break
            case nil:
                continuation.resume(
                    returning: .failure(
                        SagaError(.unavailable, "too many transitions wait", retry: .later)))
            }
        }.get()
    }

    private func send() async {
        let waiting = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        let batches = Self.batches(of: waiting)
        for batch in batches.dropLast() {
            Task(executorPreference: redis.executor) { await self.send(batch) }
        }
        if let last = batches.last { await send(last) }
    }

    private static func batches(of waiting: [Waiting]) -> [[Waiting]] {
        var batches: [[Waiting]] = []
        var open: [ObjectIdentifier: Int] = [:]
        for one in waiting {
            guard one.request.isMarked else {
                batches.append([one])
                continue
            }
            let shape = ObjectIdentifier(one.request.script)
            if let index = open[shape], batches[index].count < batchMaximum {
                batches[index].append(one)
            } else {
                open[shape] = batches.count
                batches.append([one])
            }
        }
        return batches
    }

    private func send(_ batch: [Waiting]) async {
        do throws(RedisError) {
            let answers = try await evaluate(batch)
            for (index, one) in batch.enumerated() {
                one.continuation.resume(returning: Self.answer(answers[index]))
            }
        } catch {
            guard batch.count > 1, error.outcome == .answered else {
                for one in batch {
                    one.continuation.resume(returning: .failure(SagaError(error)))
                }
                return
            }
            for one in batch { await send([one]) }
        }
    }

    /// Runs the script that all of a batch have in common.
    private func evaluate(_ batch: [Waiting]) async throws(RedisError) -> RedisValue {
        let script = batch[0].request.script
        var keys = RedisArguments(capacity: 64 + batch.count * 192)
        var values = RedisArguments(capacity: batch.count * 1024)
        keys.append(contentsOf: script.sharedKeys)
        for one in batch { one.request.append(toKeys: &keys, values: &values) }
        return try await redis.evaluate(script.script, keys: keys, arguments: values)
    }

    private static func answer(_ answer: RedisValue?) -> Result<RedisValue, SagaError> {
        guard let answer else {
            return .failure(
                SagaError(.unexpectedState, "the transition script answered something else"))
        }
        return .success(answer)
    }
}
