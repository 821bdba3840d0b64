extension StreamReader {
    /// IDs that are asked for at once.
    private static let pageMaximum = 256

    /// Fetches what is pending for this consumer in a stream and not held here.
    ///
    ///     IDs ──▶ those not held ──portion by portion──▶ dispatcher
    ///      ▲                            │ not in time: a smaller portion, the next time
    ///      └────────────────────────────┘
    ///
    /// They are asked for anew after each failure, so that a server that answers nothing at all is
    /// not taken for an entry that is too large.
    ///
    /// - Returns: whether that was all.
    func fetchPending(
        of stream: Int, _ plan: inout ReadPlan, in epoch: StoreEpoch, while isRunning: () -> Bool
    ) async throws(SagaError) -> Bool {
        var after = "0"
        while isRunning() {
            let ids = try await transport.pending(
                stream, after: after, idle: .zero, count: Self.pageMaximum, in: epoch)
            guard let last = ids.last else { return true }
            let unheld = dispatcher.unheld(ids, of: stream, in: epoch)
            guard
                try await fetch(unheld, of: stream, &plan, in: epoch, while: isRunning)
            else { return false }
            after = last
        }
        return false
    }

    /// False if something did not come in time, and is pending as before.
    private func fetch(
        _ ids: [String], of stream: Int, _ plan: inout ReadPlan, in epoch: StoreEpoch,
        while isRunning: () -> Bool
    ) async throws(SagaError) -> Bool {
        var rest = ids[...]
        while !rest.isEmpty, isRunning() {
            let portion = plan.portion(of: [stream])
            let reserved = dispatcher.reserve(upTo: min(portion.count, rest.count), orRing: bell)
            guard reserved > 0 else {
                await bell.awaitRing()
                continue
            }
            let wanted = Array(rest.prefix(reserved))
            let reading: Reading
            do {
                reading = try await transport.fetch(stream, wanted, portion, in: epoch)
            } catch {
                dispatcher.giveBack(reserved)
                guard error.code == .tooLarge else { throw error }
                plan.fetchFailed(stream, wanted)
                note(error, stream)
                return false
            }
            note(nil, stream)
            await admit(reading, &plan, epoch, reserved: reserved)
            let last = reading.last[stream].flatMap { rest.firstIndex(of: $0) }
            rest = rest[((last ?? rest.startIndex + reserved - 1) + 1)...]
        }
        return true
    }
}
