import Synchronization

/// Gathers acknowledgements and sends them together, one batch per stream.
///
/// They go out after the transition's answer, never behind the transition in one pipeline: that
/// would acknowledge although it failed. One that is lost only means another delivery, which
/// the ledger answers. One of an ended epoch is not sent: the entry may be pending again, or
/// another by the same ID.
final class Acknowledger: Sendable {
    /// Beyond that many in one command, the server would be kept from others for too long.
    private static let batchMaximum = 512

    private let transport: any EventTransport
    private let clock: any SagaClock
    private struct Waiting {
        /// By stream.
        var ids: [[String]]
        var count = 0
        /// When all of them were read.
        var epoch = StoreEpoch()

        mutating func clear() {
            ids = Array(repeating: [], count: ids.count)
            count = 0
        }
    }

    private let waiting: Mutex<Waiting>
    private let bell = Bell()

    init(transport: any EventTransport, clock: any SagaClock) {
        self.transport = transport
        self.clock = clock
        waiting = Mutex(Waiting(ids: Array(repeating: [], count: transport.streams.count)))
    }

    func add(_ entry: HeldEntry) {
        let isFirst = waiting.withLock { waiting in
            guard entry.epoch >= waiting.epoch else { return false }
            if entry.epoch > waiting.epoch {
                waiting.clear()
                waiting.epoch = entry.epoch
            }
            waiting.ids[entry.stream].append(entry.id)
            waiting.count += 1
            return waiting.count == 1
        }
        if isFirst { bell.ring() }
    }

    func wake() { bell.ring() }

    /// Sends until told to stop.
    func run(while isRunning: @Sendable () -> Bool) async {
        while isRunning() {
            await bell.awaitRing()
            if await !flush() { try? await clock.sleep(for: .milliseconds(100)) }
        }
    }

    /// Sends all that waits; false if some of it could not be sent, and waits on.
    func flush() async -> Bool {
        let (taken, epoch) = waiting.withLock { waiting in
            guard waiting.count > 0 else { return ([[String]](), waiting.epoch) }
            defer { waiting.clear() }
            return (waiting.ids, waiting.epoch)
        }
        guard !taken.isEmpty else { return true }
        var batches: [EntryBatch] = []
        for (stream, ids) in taken.enumerated() {
            for start in stride(from: 0, to: ids.count, by: Self.batchMaximum) {
                let batch = Array(ids[start..<min(start + Self.batchMaximum, ids.count)])
                batches.append(EntryBatch(stream: stream, ids: batch))
            }
        }
        let errors = await transport.acknowledge(batches, in: epoch)
        var isSent = true
        for (error, batch) in zip(errors, batches) {
            guard let error, error.retry == .later else { continue }
            putBack(batch, epoch)
            isSent = false
        }
        if !isSent { bell.ring() }
        return isSent
    }

    private func putBack(_ batch: EntryBatch, _ epoch: StoreEpoch) {
        waiting.withLock { waiting in
            guard waiting.epoch == epoch else { return }
            waiting.ids[batch.stream] += batch.ids
            waiting.count += batch.ids.count
        }
    }
}
