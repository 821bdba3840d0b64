/// Everything the cache knows, under its one lock: the answers kept, the ledger of changes, and
/// the flights (shared ways to the upstream) with those who wait for them.
struct CacheState {
    typealias Waiter = CheckedContinuation<FlightAnswer, any Error>
    /// A waiter and what it is to be told, outside the lock.
    typealias Call = (Waiter, Result<FlightAnswer, any Error>)

    /// What a waiter gets when its flight lands.
    enum FlightAnswer: Sendable {
        case given(CacheAnswer)
        /// The answer may not be shared; fetch one of your own.
        case notShared
    }

    /// How a flight ended.
    enum Landing: Sendable {
        case shared(CacheAnswer)
        case leaderOnly(CacheAnswer)
        case failed(any Error)
    }

    enum Entrance {
        case hit(StoredResponse)
        /// - Parameter isFresh: what is kept, here or for others, is not good enough.
        case lead(flight: UInt64, ticket: UInt64, isFresh: Bool)
        case join(flight: UInt64, ticket: UInt64)
        /// This flight began too early to be joined, and another follows it.
        case outwait(flight: UInt64, ticket: UInt64)
        case alone(CacheStatus.Reason)
        case notCached
        case overloaded
    }

    private struct Flight {
        var key: CacheKey
        var begun: Moment
        var leader: UInt64
        /// Tickets of those who take part; nil until the ticket's holder has parked.
        var waiters: [UInt64: Waiter?]
    }

    let configuration: CacheConfiguration
    var store: MemoryStore
    var ledger: CoherenceLedger
    var backlog: RaiseBacklog

    private var flights: [UInt64: Flight] = [:]
    private var joinable: [CacheKey: UInt64] = [:]
    private var flightOfFill: [CoherenceLedger.Fill: UInt64] = [:]
    /// Landings that came before their waiter had parked.
    private var early: [UInt64: Result<FlightAnswer, any Error>] = [:]
    private(set) var waiterCount = 0
    private var lastNumber: UInt64 = 0
    private var loneKeys: [CacheKey: Moment] = [:]
    private var learned: [CacheKey: [CacheTag]] = [:]
    private var learnedCount = 0

    /// More keys than this are not worth remembering; forgetting one costs a shared wait.
    private static let loneKeyLimit = 1_024

    init(_ configuration: CacheConfiguration) {
        self.configuration = configuration
        store = MemoryStore(
            entryLimit: configuration.entryLimit, byteLimit: configuration.byteLimit)
        ledger = CoherenceLedger(isSuspended: configuration.startsSuspended)
        backlog = RaiseBacklog(limit: configuration.pendingRaiseLimit)
    }

    // MARK: - Looking up and joining

    mutating func lookUp(_ key: CacheKey, at moment: Moment) -> StoredResponse? {
        moment < ledger.trustedUntil ? store.lookUp(key, at: moment) : nil
    }

    /// Numbers are given out ascending: a flight with a greater one begins later.
    var arrival: UInt64 { lastNumber }

    /// - Parameter arrival: what stood there when the request came; one that wants a fresh answer
    ///   joins no flight that began before.
    mutating func enter(
        _ key: CacheKey, _ request: CacheRequest, _ policy: CachePolicy, since arrival: UInt64,
        at now: Moment
    ) -> Entrance {
        let stored = lookUp(key, at: now)
        if let stored, request.accepts(stored, at: now, policy: policy) { return .hit(stored) }
        if request.onlyIfCached, policy.obeysClient { return .notCached }
        let isFresh = stored != nil || request.wantsFresh && policy.obeysClient
        if let until = loneKeys[key] {
            if now < until { return .alone(.uriMiss) }
            loneKeys[key] = nil
        }
        guard waiterCount < configuration.waiterLimit else { return .overloaded }
        let age =
            now < ledger.trustedUntil ? configuration.flightAge : configuration.blindFlightAge
        if let number = joinable[key], let flight = flights[number], now < flight.begun + age {
            let ticket = newTicket(in: number)
            return isFresh && number <= arrival
                ? .outwait(flight: number, ticket: ticket) : .join(flight: number, ticket: ticket)
        }
        guard flights.count < configuration.flightLimit else { return .overloaded }
        lastNumber += 1
        let number = lastNumber
        flights[number] = Flight(key: key, begun: now, leader: 0, waiters: [:])
        let ticket = newTicket(in: number)
        flights[number]?.leader = ticket
        joinable[key] = number
        return .lead(flight: number, ticket: ticket, isFresh: isFresh)
    }

    private mutating func newTicket(in flight: UInt64) -> UInt64 {
        lastNumber += 1
        waiterCount += 1
        flights[flight]?.waiters[lastNumber] = .some(nil)
        return lastNumber
    }

    // MARK: - Waiting

    /// Parks a waiter.
    ///
    /// Returns what it waits for if that is known by now.
    mutating func park(
        _ waiter: Waiter, flight: UInt64, ticket: UInt64
    ) -> Result<FlightAnswer, any Error>? {
        if let landed = early.removeValue(forKey: ticket) { return landed }
        guard flights[flight]?.waiters[ticket] != nil else { return .failure(CancellationError()) }
        flights[flight]?.waiters[ticket] = .some(waiter)
        return nil
    }

    /// A waiter was cancelled.
    ///
    /// Returns it if it had parked.
    mutating func leave(flight: UInt64, ticket: UInt64) -> Waiter? {
        early[ticket] = nil
        guard let waiter = flights[flight]?.waiters.removeValue(forKey: ticket) else { return nil }
        waiterCount -= 1
        return waiter
    }

    /// Ends a flight.
    ///
    /// Returns who is to be told what.
    mutating func land(
        _ number: UInt64, _ landing: Landing
    ) -> [Call] {
        guard let flight = flights.removeValue(forKey: number) else { return [] }
        if joinable[flight.key] == number { joinable[flight.key] = nil }
        waiterCount -= flight.waiters.count
        var calls: [Call] = []
        for (ticket, waiter) in flight.waiters {
            let answer = CacheState.answer(landing, isLeader: ticket == flight.leader)
            if let waiter {
                calls.append((waiter, answer))
            } else {
                early[ticket] = answer
            }
        }
        return calls
    }

    private static func answer(
        _ landing: Landing, isLeader: Bool
    ) -> Result<FlightAnswer, any Error> {
        switch landing {
        case .failed(let error):
            return .failure(error)
        case .leaderOnly(let answer):
            return .success(isLeader ? .given(answer) : .notShared)
        case .shared(var answer):
            if !isLeader, answer.status.forwarded != nil { answer.status.isCollapsed = true }
            return .success(.given(answer))
        }
    }

    // MARK: - Filling

    /// Begins a fill that already knows the generations of some tags from a reading.
    ///
    /// Those that are not to be believed any more are left out.
    mutating func beginFill(
        for flight: UInt64?, known tags: [CacheTag], from reading: CoherenceLedger.Reading?,
        at now: Moment
    ) -> (CoherenceLedger.Fill, [CacheTag]) {
        let fill = ledger.beginFill()
        if let flight { flightOfFill[fill] = flight }
        guard let reading else { return (fill, []) }
        let believed = tags.filter { ledger.believes([$0], from: reading, at: now) }
        ledger.watch(believed, by: fill)
        ledger.end(reading)
        return (fill, believed)
    }

    /// Ends a fill.
    mutating func finish(_ fill: CoherenceLedger.Fill) -> CoherenceLedger.Ending {
        flightOfFill[fill] = nil
        return ledger.finish(fill)
    }

    /// Remembers that a key's answers may not be shared.
    mutating func rememberLone(_ key: CacheKey, at now: Moment) {
        if loneKeys.count >= CacheState.loneKeyLimit { loneKeys.removeAll() }
        loneKeys[key] = now + configuration.loneKeyAge
    }

    /// Tags that the last answer of a key told of.
    func learnedTags(of key: CacheKey) -> [CacheTag] {
        learned.isEmpty ? [] : learned[key] ?? []
    }

    /// Remembers what a key's answer told of, so that the next fill watches for it in time.
    mutating func remember(_ tags: [CacheTag], for key: CacheKey) {
        guard !tags.isEmpty || !learned.isEmpty else { return }
        learnedCount -= learned.removeValue(forKey: key)?.count ?? 0
        guard !tags.isEmpty, tags.count <= FillScope.tagLimit else { return }
        if learnedCount + tags.count > configuration.learnedTagLimit {
            learned.removeAll()
            learnedCount = 0
        }
        learned[key] = tags
        learnedCount += tags.count
    }

    // MARK: - Changes

    mutating func take(_ invalidations: [Invalidation]) {
        for invalidation in invalidations {
            for tag in invalidation.tags { store.remove(tagged: tag) }
            detach(ledger.take(invalidation.tags))
        }
    }

    mutating func settled(_ invalidations: [Invalidation]) {
        for invalidation in invalidations { ledger.settled(invalidation.tags) }
    }

    /// Keeps invalidations whose raise is still to be done.
    mutating func postpone(_ invalidations: [Invalidation]) {
        if backlog.postpone(invalidations) { raiseAllInstead() }
    }

    /// Gives the raises that wait up for one that makes every entry invalid, which covers them.
    private mutating func raiseAllInstead() {
        ledger.beginRaisingAll()
        settled(backlog.giveUp())
    }

    /// A raise has ended.
    mutating func raised(_ invalidations: [Invalidation], _ isRaised: Bool) {
        backlog.raiseEnded()
        if isRaised { settled(invalidations) } else { postpone(invalidations) }
    }

    /// Whether the second level has heard of everything taken.
    var isSettled: Bool {
        backlog.isEmpty && ledger.raisingAllRound == nil
    }

    mutating func makeAllInvalid(hasSecondLevel: Bool) {
        store.removeAll()
        if hasSecondLevel { raiseAllInstead() }
        detach(ledger.overtakeAll())
    }

    mutating func suspend() {
        store.removeAll()
        detach(ledger.suspend())
        joinable.removeAll()
    }

    /// Flights that began before are not joined: what they fetched may be older than what was
    /// missed.
    mutating func resume(until moment: Moment) {
        ledger.resume(until: moment)
        joinable.removeAll()
    }

    /// No new request joins the flights of these fills.
    private mutating func detach(_ fills: [CoherenceLedger.Fill]) {
        for fill in fills {
            guard let number = flightOfFill[fill], let key = flights[number]?.key else { continue }
            if joinable[key] == number { joinable[key] = nil }
        }
    }
}
