import Metrics
import Synchronization

// The way of a request through the cache:
//
//   lookUp ──────────── fresh in L1 ───────────────────────────────────────▶ hit
//     │ no
//   response(for:) ──── someone is on the way ─────────── wait ────────────▶ collapsed
//     │ no: a flight begins, in a task of its own
//   second level ────── entry, all generations current ── keep in L1 ──────▶ hit (redis)
//     │ no
//   fill: watch tags, fetch parts ── judge ── keep in L1 ──────────────────▶ miss
//                                              └─ then: second level
//
// All state is one value under one lock (CacheState); whatever waits is outside it.

/// The gateway's cache: answers in this process, before a second level that others share.
///
/// Safe to use from every thread. `lookUp` is for the event loop: it takes one short lock and
/// allocates nothing.
public final class ResponseCache: Sendable {
    let configuration: CacheConfiguration
    let secondLevel: (any SecondLevelCache)?
    let state: Mutex<CacheState>
    private let entryGauge = Gauge(label: "gateway_l1_entries")
    private let byteGauge = Gauge(label: "gateway_l1_bytes")
    private let suspendedGauge = Gauge(label: "gateway_coherence_suspended")

    /// A cache within the bounds of its configuration, which keeps answers in this process alone.
    ///
    /// Nothing but own writes, `invalidate` and the end of their life takes them away.
    public convenience init(configuration: CacheConfiguration = CacheConfiguration()) {
        self.init(configuration: configuration, secondLevel: nil)
    }

    /// The same before what several gateways share, if that is not nil.
    package init(
        configuration: CacheConfiguration = CacheConfiguration(),
        secondLevel: (any SecondLevelCache)?
    ) {
        self.configuration = configuration
        self.secondLevel = secondLevel
        self.state = Mutex(CacheState(configuration))
        suspendedGauge.record(configuration.startsSuspended ? 1 : 0)
    }

    // MARK: - Requests

    /// The fresh answer kept in this process; nil if there is none, or while suspended.
    ///
    /// For requests without credentials and without cache directives. All others, and those that
    /// find nothing, go through `response`.
    package func lookUp(_ key: CacheKey, at moment: Moment) -> StoredResponse? {
        state.withLock { $0.lookUp(key, at: moment) }
    }

    /// The answer for a key: kept, shared with another request, or filled now.
    ///
    /// The fill runs in a task of its own: a caller that is cancelled leaves, and the fill goes
    /// on for the others. A fill's error is thrown to all that wait for it.
    ///
    /// - Parameters:
    ///   - tags: what is known before fetching about the answer's tags; saves a round trip.
    ///   - fill: fetches the answer; may be called when an earlier one may not be shared.
    /// - Throws: `CacheOverload`, `CancellationError`, and whatever the fill throws.
    package func response(
        for key: CacheKey, policy: CachePolicy, request: CacheRequest = .plain,
        tags: [CacheTag] = [],
        fill: @escaping @Sendable (FillScope) async throws -> FetchedResponse
    ) async throws -> CacheAnswer {
        let keeps = !(request.forbidsStoring && policy.obeysClient)
        let order = FillOrder(key: key, policy: policy, tags: tags, keeps: keeps, fill: fill)
        if case .bypass(let detail) = StorageRules.way(of: request, policy) {
            return try await fetchAlone(order, .forwarded(.bypass, detail: detail), keeps: false)
        }
        let arrival = state.withLock { $0.arrival }
        while true {
            let now = configuration.clock()
            let entrance = state.withLock {
                $0.enter(key, request, policy, since: arrival, at: now)
            }
            switch entrance {
            case .hit(let response):
                return CacheAnswer(response: response, status: .hit)
            case .lead(let flight, let ticket, let isFresh):
                Task { await fly(flight, order, isFresh: isFresh) }
                return try await wait(flight, ticket, order)
            case .join(let flight, let ticket):
                return try await wait(flight, ticket, order)
            case .outwait(let flight, let ticket):
                // Its answer, or its failure, is for those who came before.
                _ = try? await landing(of: flight, ticket)
                try Task.checkCancellation()
            case .alone(let reason):
                return try await fetchAlone(order, .forwarded(reason), keeps: keeps)
            case .notCached:
                return CacheAnswer(
                    response: .gatewayTimeout(at: now), status: .forwarded(.request))
            case .overloaded:
                throw CacheOverload()
            }
        }
    }

    // MARK: - Changes

    /// Takes away what an unsafe request through this gateway changed; call it before the request's
    /// answer is sent.
    ///
    /// When it returns, no later request sees the old answer here, and the other gateways have been
    /// told.
    public func invalidate(_ tags: [CacheTag], cause: String) async {
        guard !tags.isEmpty else { return }
        let invalidation = Invalidation(cause: cause, tags: tags)
        state.withLock {
            $0.take([invalidation])
            $0.backlog.raiseBegins()
        }
        recordSize()
        await raise([invalidation])
        await announce(invalidation)
    }

    /// Tells the other gateways, or keeps it for `settle`.
    private func announce(_ invalidation: Invalidation) async {
        guard let secondLevel, await !secondLevel.announce(invalidation) else { return }
        state.withLock { $0.backlog.postponeAnnouncement(invalidation) }
    }

    /// Takes away what some events changed, in this process and at once.
    ///
    /// Their raises wait for `settle`, which must follow.
    package func take(_ invalidations: [Invalidation]) {
        state.withLock {
            $0.take(invalidations)
            if secondLevel == nil {
                $0.settled(invalidations)
            } else {
                $0.postpone(invalidations)
            }
        }
        recordSize()
    }

    /// Raises the generations of everything taken and not raised yet, and tells the other gateways
    /// of own writes that they have not been told of.
    ///
    /// Ends, however fast more is taken meanwhile.
    ///
    /// - Returns: whether everything taken so far is raised. If not, a raise of someone else is
    ///   still under way or the second level cannot be reached; then it is to be called again.
    package func settle() async -> Bool {
        guard let secondLevel else { return true }
        if let round = state.withLock({ $0.ledger.raisingAllRound }) {
            guard await secondLevel.raiseAll() else { return false }
            state.withLock { $0.ledger.settledAll(round: round) }
        }
        for _ in 0..<RaiseBacklog.raises(within: configuration.pendingRaiseLimit) {
            let batch = state.withLock { $0.backlog.next() }
            if batch.isEmpty { break }
            guard await raise(batch) else { return false }
        }
        for invalidation in state.withLock({ $0.backlog.takeAnnouncements() }) {
            await announce(invalidation)
        }
        return state.withLock { $0.isSettled }
    }

    /// Whether the second level has heard of everything taken so far.
    package var isSettled: Bool { state.withLock { $0.isSettled } }

    /// Takes everything away: this process's answers at once, the second level's with `settle`.
    public func makeAllInvalid() {
        state.withLock { $0.makeAllInvalid(hasSecondLevel: secondLevel != nil) }
        recordSize()
    }

    @discardableResult
    private func raise(_ invalidations: [Invalidation]) async -> Bool {
        let isRaised = await secondLevel?.raise(invalidations) ?? true
        state.withLock { $0.raised(invalidations, isRaised) }
        return isRaised
    }

    // MARK: - The invalidation feed

    /// Events may be missed from now on: this process's store is emptied and not used.
    package func suspend() {
        state.withLock { $0.suspend() }
        suspendedGauge.record(1)
        recordSize()
    }

    /// Events arrive, and what was missed has been raised.
    ///
    /// - Parameter moment: until when answers may be given without another sign that nothing was
    ///   missed; `trust` moves it on.
    package func resume(until moment: Moment = .latest) {
        state.withLock { $0.resume(until: moment) }
        suspendedGauge.record(0)
    }

    /// A sign that no event was missed up to now: answers may be given until `moment`.
    ///
    /// Says nothing while suspended, and never takes back what was said.
    package func trust(until moment: Moment) {
        state.withLock { $0.ledger.trust(until: moment) }
    }

    /// Records whether answers are given from memory now; call it every now and then.
    package func recordUse() {
        suspendedGauge.record(isTrusted ? 0 : 1)
    }

    /// Whether no answers are kept in this process at present.
    package var isSuspended: Bool { state.withLock { $0.ledger.isSuspended } }

    /// Whether what is kept may be given now.
    var isTrusted: Bool {
        let now = configuration.clock()
        return state.withLock { now < $0.ledger.trustedUntil }
    }

    /// How many answers this process keeps, and their bytes.
    package var size: (entries: Int, bytes: Int) {
        state.withLock { ($0.store.count, $0.store.bytes) }
    }

    func recordSize() {
        let size = size
        entryGauge.record(size.entries)
        byteGauge.record(size.bytes)
    }
}
