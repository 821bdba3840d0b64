import Logging
import Metrics
import Synchronization

/// Lets calls of one company begin, as its rate and its breaker decide, and shows both.
///
///     refusal? ─▶ a moment of the rate ─▶ admit ─▶ the call ─▶ ended
final class CompanyGate: Sendable {
    private struct State {
        var rate: CallRate?
        var breaker: CircuitBreaker?
        var waiting = 0
    }

    /// A call that may begin; whoever makes it says how it ended.
    struct Call: Sendable {
        fileprivate var round: Int
        fileprivate var saga: String?
    }

    /// A call of nobody who is counted.
    static let free = Call(round: 0)

    let company: OutsideCompany
    private let clock: any SagaClock
    private let gauges: (breaker: Gauge, waiting: Gauge)
    private let logger: Logger
    private let state: Mutex<State>

    init(
        _ company: OutsideCompany, clock: any SagaClock, metrics: SagaMetrics, logger: Logger
    ) {
        self.company = company
        self.clock = clock
        gauges = metrics.gauges(of: company.name)
        self.logger = logger
        state = Mutex(
            State(
                rate: company.callsPerSecond.map { CallRate(perSecond: $0) },
                breaker: company.opensAfter.map {
                    CircuitBreaker(opensAfter: $0, pauses: company.pauses)
                }))
        gauges.breaker.record(CircuitBreaker.Phase.closed.rawValue)
        gauges.waiting.record(0)
    }

    /// One for each company that steps call, on whatever route, by its name.
    static func gates(
        of steps: [Step], clock: any SagaClock, metrics: SagaMetrics, logger: Logger
    ) -> [String: CompanyGate] {
        let companies = steps.compactMap(\.company).map { ($0.name, $0) }
        return Dictionary(companies) { first, _ in first }.mapValues {
            CompanyGate($0, clock: clock, metrics: metrics, logger: logger)
        }
    }

    /// Until when no call may begin, as things stand; nil if one may.
    func refusal() -> ContinuousClock.Instant? {
        let now = clock.now
        return state.withLock { $0.breaker?.refusal(at: now) }
    }

    /// Takes the next moment of the rate; nil if it has come.
    func reserve() -> ContinuousClock.Instant? {
        let now = clock.now
        let moment = state.withLock { $0.rate?.reserve(at: now) }
        return moment.flatMap { $0 > now ? $0 : nil }
    }

    /// A moment that is not used.
    func giveBack(_ moment: ContinuousClock.Instant) {
        let now = clock.now
        state.withLock { $0.rate?.giveBack(moment, at: now) }
    }

    /// Shows that a call waits for its moment, or does so no more.
    func waits(_ begins: Bool) {
        let waiting = state.withLock { state in
            state.waiting += begins ? 1 : -1
            return state.waiting
        }
        gauges.waiting.record(waiting)
    }

    /// Lets a call begin, or says until when it may not.
    ///
    /// - Parameter saga: whose call it is; nil for one of none.
    func admit(of saga: String?) -> Result<Call, Refusal> {
        let now = clock.now
        let (admission, isLost) = change { breaker in
            let isLost = breaker?.isTryLost(at: now) ?? false
            return (breaker?.admit(at: now), isLost)
        }
        if isLost {
            logger.warning(
                "a call that tries a company has not come back, and the next one tries",
                metadata: ["company": "\(company.name)"])
        }
        switch admission {
        case .refused(let end)?: return .failure(Refusal(end: end))
        case .call(let round)?: return .success(Call(round: round, saga: saga))
        case nil: return .success(Self.free)
        }
    }

    /// That no call may begin now.
    struct Refusal: Error {
        var end: ContinuousClock.Instant
    }

    /// Hears how a call ended.
    func ended(_ call: Call, _ ending: CircuitBreaker.Ending) {
        let now = clock.now
        change { $0?.ended(ending, round: call.round, of: call.saga, at: now) }
    }

    private func change<Value: Sendable>(_ body: (inout CircuitBreaker?) -> Value) -> Value {
        let (value, before, after) = state.withLock { state in
            let before = state.breaker?.phase
            let value = body(&state.breaker)
            return (value, before, state.breaker?.phase)
        }
        if before != after, let after { show(after) }
        return value
    }

    private func show(_ phase: CircuitBreaker.Phase) {
        gauges.breaker.record(phase.rawValue)
        switch phase {
        case .closed:
            logger.notice("a company answers again", metadata: ["company": "\(company.name)"])
        case .open:
            logger.warning(
                "a company counts as down, and is not called for a while",
                metadata: ["company": "\(company.name)"])
        case .halfOpen: break
        }
    }

    /// Makes a call that belongs to no entry, as a look at books: it waits for its moment, and is
    /// not made while the company counts as down.
    func pass<Value: Sendable>(
        _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        if refusal() != nil { throw CompanyIsDown(name: company.name) }
        if let moment = reserve() {
            waits(true)
            defer { waits(false) }
            do {
                try await clock.sleep(for: moment - clock.now)
            } catch {
                giveBack(moment)
                throw error
            }
        }
        guard case .success(let call) = admit(of: nil) else {
            throw CompanyIsDown(name: company.name)
        }
        do {
            let value = try await body()
            ended(call, .answered)
            return value
        } catch {
            ended(call, Task.isCancelled ? .nothing : CircuitBreaker.Ending(error))
            throw error
        }
    }
}

extension CircuitBreaker.Ending {
    /// What it tells of a company that a block threw this.
    init(_ error: any Error) {
        if error is BusinessFailure {
            self = .answered
        } else if error is Interruption {
            self = .nothing
        } else {
            self = StepTries.Failure(error) == .unknown ? .accident : .nothing
        }
    }
}
