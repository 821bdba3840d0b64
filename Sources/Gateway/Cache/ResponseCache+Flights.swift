import Synchronization

/// What it takes to fill one key.
struct FillOrder: Sendable {
    let key: CacheKey
    let policy: CachePolicy
    /// Tags known before anything was fetched.
    var tags: [CacheTag]
    /// Whether the answer may be kept at all.
    let keeps: Bool
    let fill: @Sendable (FillScope) async throws -> FetchedResponse
}

extension ResponseCache {
    /// Waits for a flight; fetches alone if its answer may not be shared.
    func wait(_ flight: UInt64, _ ticket: UInt64, _ order: FillOrder) async throws -> CacheAnswer {
        switch try await landing(of: flight, ticket) {
        case .given(let answer): return answer
        case .notShared:
            return try await fetchAlone(order, .forwarded(.uriMiss), keeps: order.keeps)
        }
    }

    /// Waits until a flight has landed.
    func landing(of flight: UInt64, _ ticket: UInt64) async throws -> CacheState.FlightAnswer {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                let known = state.withLock { $0.park(waiter, flight: flight, ticket: ticket) }
                if let known { waiter.resume(with: known) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.leave(flight: flight, ticket: ticket) }
            waiter?.resume(throwing: CancellationError())
        }
    }

    /// Takes one flight from the second level to its landing.
    ///
    /// Runs in a task that no request owns, so that none can cancel it.
    func fly(_ flight: UInt64, _ order: FillOrder, isFresh: Bool) async {
        var order = order
        order.tags += state.withLock { $0.learnedTags(of: order.key) }
        let reading: SecondLevelResult = isFresh ? .nothing : await readSecondLevel(flight, order)
        if case .landed = reading { return }
        do {
            let fetched = try await fetch(
                order, flight: flight, reading: reading,
                status: .forwarded(isFresh ? .request : .uriMiss), keeps: order.keeps)
            if let entry = fetched.entry { await secondLevel?.store(entry, for: order.key) }
        } catch {
            land(flight, .failed(error))
        }
    }

    /// A fill whose answer goes to one request alone.
    func fetchAlone(
        _ order: FillOrder, _ status: CacheStatus, keeps: Bool
    ) async throws -> CacheAnswer {
        let fetched = try await fetch(
            order, flight: nil, reading: .nothing, status: status, keeps: keeps)
        if let entry = fetched.entry { await secondLevel?.store(entry, for: order.key) }
        return fetched.answer
    }

    /// Reads the generations of tags that a fill is about to fetch parts for.
    func watch(_ tags: [CacheTag], by fill: CoherenceLedger.Fill) async -> Generations? {
        state.withLock { $0.ledger.watch(tags, by: fill) }
        return await secondLevel?.generations(of: tags)
    }

    /// What the answer of a fill tells of, and nobody watched.
    func learn(_ tags: [CacheTag], by fill: CoherenceLedger.Fill) {
        state.withLock { $0.ledger.learn(tags, by: fill) }
    }

    // MARK: - Steps of a flight

    private enum SecondLevelResult {
        /// An entry was found, kept, and given to all who waited.
        case landed
        /// The generations of some tags were read, and nothing else.
        case generations(Generations, CoherenceLedger.Reading)
        case nothing
    }

    private struct Fetched {
        var answer: CacheAnswer
        var entry: SecondLevelEntry?
    }

    private func readSecondLevel(_ flight: UInt64, _ order: FillOrder) async -> SecondLevelResult {
        guard let secondLevel, isTrusted else { return .nothing }
        let reading = state.withLock { $0.ledger.beginReading() }
        guard let found = await secondLevel.read(order.key, likely: order.tags) else {
            state.withLock { $0.ledger.end(reading) }
            return .nothing
        }
        guard let entry = found.validEntry else { return .generations(found.present, reading) }
        let now = configuration.clock()
        let response = StoredResponse(entry, at: now)
        let answer = CacheAnswer(response: response, status: .secondLevelHit)
        let calls = state.withLock { state -> [CacheState.Call]? in
            guard state.ledger.believes(response.tags, from: reading, at: now) else { return nil }
            state.ledger.end(reading)
            state.store.insert(response, for: order.key)
            return state.land(flight, .shared(answer))
        }
        guard let calls else { return .generations(found.present, reading) }
        for (waiter, result) in calls { waiter.resume(with: result) }
        recordSize()
        return .landed
    }

    private func fetch(
        _ order: FillOrder, flight: UInt64?, reading: SecondLevelResult, status: CacheStatus,
        keeps: Bool
    ) async throws -> Fetched {
        let (fill, notes) = beginFill(order, flight, reading)
        let scope = FillScope(cache: self, fill: fill, notes: notes)
        let learned = state.withLock { $0.learnedTags(of: order.key) }
        if !learned.isEmpty { await scope.watch(learned) }
        let fetched: FetchedResponse
        do {
            fetched = try await order.fill(scope)
        } catch {
            _ = state.withLock { $0.finish(fill) }
            throw error
        }
        var verdict = StorageRules.judge(
            fetched, order.policy, wallSeconds: configuration.wallClock())
        let guards = notes.guards
        if guards.count > FillScope.tagLimit { verdict = verdict.refused("tags") }
        if !keeps { verdict = verdict.refused(status.detail ?? "no-store") }
        let made = make(fetched, verdict, guards, order.policy)
        return finish(fill, flight, order, made, verdict, status, notes)
    }

    private func beginFill(
        _ order: FillOrder, _ flight: UInt64?, _ reading: SecondLevelResult
    ) -> (CoherenceLedger.Fill, FillNotes) {
        guard case .generations(let present, let reading) = reading else {
            let fill = state.withLock {
                $0.beginFill(for: flight, known: [], from: nil, at: .earliest).0
            }
            return (fill, FillNotes(tags: [], generations: nil))
        }
        let tags = order.tags.filter { present.values[$0] != nil }
        let now = configuration.clock()
        let (fill, known) = state.withLock {
            $0.beginFill(for: flight, known: tags, from: reading, at: now)
        }
        return (fill, FillNotes(tags: known, generations: known.isEmpty ? nil : present))
    }

    private func make(
        _ fetched: FetchedResponse, _ verdict: StorageRules.Verdict, _ guards: [TagGuard],
        _ policy: CachePolicy
    ) -> StoredResponse {
        let now = configuration.clock()
        let rendering = RenderedResponse(
            fetched, isKept: verdict.lifetime != nil, wallSeconds: configuration.wallClock())
        let lifetime = verdict.lifetime.map { policy.jittered($0) } ?? .zero
        return StoredResponse(
            rendering: rendering, guards: guards, born: now - verdict.age,
            expires: now + lifetime)
    }

    /// Keeps the answer if it may be kept, and lands the flight, in one step: no change can be
    /// taken between the two.
    private func finish(
        _ fill: CoherenceLedger.Fill, _ flight: UInt64?, _ order: FillOrder,
        _ response: StoredResponse, _ verdict: StorageRules.Verdict, _ status: CacheStatus,
        _ notes: FillNotes
    ) -> Fetched {
        let now = configuration.clock()
        let mayBeKept = verdict.lifetime != nil
        let told = notes.told
        // What is not there is kept here alone: names without end can be made up and asked for.
        let mayBeShared = mayBeKept && response.status != 404 && response.status != 410
        let (fetched, calls) = state.withLock { state -> (Fetched, [CacheState.Call]) in
            let ending = state.finish(fill)
            if mayBeKept, ending == .sound { state.store.insert(response, for: order.key) }
            if mayBeKept { state.remember(told, for: order.key) }
            // One that was overtaken, or will be by a raise on its way, is of no use to others.
            let isCurrent = ending != .overtaken && state.ledger.isSettled(response.tags)
            let generations = mayBeShared && isCurrent ? notes.generations : nil
            var status = status
            status.isStored = mayBeKept && (ending == .sound || generations != nil)
            status.detail = status.detail ?? verdict.detail
            if status.detail == nil, mayBeKept { status.detail = ending.detail }
            let fetched = Fetched(
                answer: CacheAnswer(response: response, status: status),
                entry: generations.map { SecondLevelEntry(response, $0, at: now) })
            guard let flight else { return (fetched, []) }
            if !verdict.isShareable { state.rememberLone(order.key, at: now) }
            let landing: CacheState.Landing =
                verdict.isShareable ? .shared(fetched.answer) : .leaderOnly(fetched.answer)
            return (fetched, state.land(flight, landing))
        }
        for (waiter, result) in calls { waiter.resume(with: result) }
        recordSize()
        return fetched
    }

    private func land(_ flight: UInt64, _ landing: CacheState.Landing) {
        let calls = state.withLock { $0.land(flight, landing) }
        for (waiter, result) in calls { waiter.resume(with: result) }
    }
}

extension CoherenceLedger.Ending {
    /// The token that tells people why an answer was not kept in this process.
    fileprivate var detail: String? {
        switch self {
        case .sound: nil
        case .blind: "suspended"
        case .overtaken: "overtaken"
        }
    }
}
