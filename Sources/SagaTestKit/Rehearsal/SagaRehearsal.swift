import CloudEvents
import Logging
public import Saga
import Synchronization

/// A saga of one's own, played in memory: given these participants and these events, what comes
/// of it.
///
///     begin, say ─▶ streams in memory ◀─▶ participants, each in a process of its own
///                                           │  until nothing is left to do
///                                           ▼
///                         events, records, deadlines, ends: looked at by the test
///
/// Between two plays the participants stand still; each play starts them as after a restart, and
/// stops them. Time is virtual: it moves on when everybody waits, so a retry or a deadline of
/// minutes passes in milliseconds. What could happen at the same moment happens in an order that
/// the seed decides, the same in every run.
///
///     let rehearsal = try SagaRehearsal(TripSaga.trips, TripSaga.hotels)
///     try await rehearsal.begin("1", TripRequested(city: "Rome"))
///     try await rehearsal.say(CarRefused(reason: "no_car", detail: ""), of: "1")
///     #expect(try await rehearsal.ending(of: "1") == .cancelled)
///
/// The engine is the one that runs on Redis; only what it runs on is another. What it cannot show
/// is what several processes do to one another, and what a Redis does that is lost.
///
/// Steps may wait for something outside, a socket or an actor, but not for long: after a tenth of
/// a second of the machine's own time the rehearsal's time goes on, and they are given up, in the
/// end, as a company would be that does not answer.
public final class SagaRehearsal: Sendable {
    package let server: MemoryServer
    package let clock: VirtualClock
    let plans: [ParticipantPlan]
    let chance: SeededChance
    private let start: ContinuousClock.Instant
    private let executor: SeededExecutor
    private let configuration: SagaRuntimeConfiguration

    /// How long, of the machine's own time, steps are waited for that wait for something outside.
    private static let patience = Duration.milliseconds(100)
    /// The same for steps that are cancelled.
    private static let stopPatience = Duration.seconds(5)
    /// More jobs than any rehearsal needs.
    private static let jobsMaximum = 20_000_000

    /// A rehearsal of some participants.
    ///
    /// - Parameters:
    ///   - participants: all of a route, or some: `say` says what the others would.
    ///   - configuration: of all of them; each goes by its own name in place of `consumerName`,
    ///     and `handlerExecutor` does not count.
    ///   - seed: decides the order of what could happen at the same moment.
    /// - Throws: `invalidDefinition` or `invalidConfiguration`, listing every fault.
    public convenience init(
        _ participants: Participant...,
        configuration: SagaRuntimeConfiguration = SagaRuntimeConfiguration(), seed: UInt64 = 1
    ) throws(SagaError) {
        try self.init(participants, configuration: configuration, seed: seed)
    }

    /// A rehearsal of some participants in an array.
    public init(
        _ participants: [Participant],
        configuration: SagaRuntimeConfiguration = SagaRuntimeConfiguration(), seed: UInt64 = 1
    ) throws(SagaError) {
        var plans: [ParticipantPlan] = []
        for participant in participants { plans.append(try ParticipantPlan(participant)) }
        self.plans = plans
        self.configuration = configuration
        clock = VirtualClock()
        start = clock.now
        server = MemoryServer(clock: clock)
        executor = SeededExecutor(seed: seed)
        chance = SeededChance(seed: seed, clock: clock)
        for plan in plans { _ = try runtime(plan) }
    }

    /// A process of a participant, which works on nothing before it runs.
    package func runtime(_ plan: ParticipantPlan) throws(SagaError) -> SagaRuntime {
        var configuration = configuration
        configuration.consumerName = plan.name
        configuration.handlerExecutor = .onConnection
        return try SagaRuntime(
            plan, configuration: configuration,
            logger: Logger(label: plan.name) { _ in SwiftLogNoOpLogHandler() }
        ) { [server, chance, executor] settings, _ in
            server.ports(of: plan, settings, chance: chance, executor: executor)
        }
    }

    // MARK: - Playing

    /// How much of the rehearsal's time has passed.
    public var elapsed: Duration { clock.now - start }

    /// Plays until everything that was said is dealt with by all who hear it.
    ///
    /// A step that is tried again is waited for until it succeeds or is given up; a deadline is
    /// not, nor is what is blocked: `pass(_:)` lets time pass.
    ///
    /// - Throws: `unexpectedState` with who has yet to deal with what, if it takes longer than
    ///   `limit` of the rehearsal's time.
    public func settle(within limit: Duration = .seconds(600)) async throws {
        let end = clock.now + limit
        let isSettled = try await play(plans, notBeyond: end) { self.server.contents.owed.isEmpty }
        guard !isSettled, let owed = server.contents.owed.first else { return }
        throw SagaError(
            .unexpectedState, "after \(limit) \(owed.group) has yet to deal with \(owed.stream)")
    }

    /// Plays until a saga has ended and everybody has heard of it, and returns where it stands
    /// then, or once so much of the rehearsal's time is over; nil if it never began.
    public func ending(
        of sagaID: String, within limit: Duration = .seconds(600)
    ) async throws -> SagaStatus? {
        let end = clock.now + limit
        guard status(inLedgerOf: sagaID) != nil else { return nil }
        _ = try await play(plans, notBeyond: end) {
            self.status(inLedgerOf: sagaID)?.isFinal == true && self.server.contents.owed.isEmpty
        }
        return try await status(of: sagaID)
    }

    /// Plays for this long of the rehearsal's time, in which deadlines are reached and what is
    /// blocked is tried again.
    public func pass(_ time: Duration) async throws {
        let end = clock.now + time
        _ = try await play(plans, notBeyond: end) { false }
        clock.move(to: end)
    }

    /// Runs a process of each participant while nothing is over.
    ///
    /// - Parameter isOver: asked whenever everybody waits.
    /// - Returns: false if time went as far as it may, or everybody waits for nothing.
    package func play(
        _ plans: [ParticipantPlan], notBeyond end: ContinuousClock.Instant? = nil,
        until isOver: () -> Bool
    ) async throws -> Bool {
        var runtimes: [SagaRuntime] = []
        for plan in plans { runtimes.append(try runtime(plan)) }
        let living = Living(runtimes.count)
        let tasks = runtimes.map { runtime in
            Task(executorPreference: executor) {
                defer { living.endOne() }
                try await runtime.run()
            }
        }
        defer { for task in tasks { task.cancel() } }
        let isWorking = { runtimes.contains { $0.activeCount > 0 } }
        let isPlayed = try await drive(isWorking, notBeyond: end) { Task.isCancelled || isOver() }
        for task in tasks { task.cancel() }
        let stopEnd = ContinuousClock.now + Self.stopPatience
        while try await !drive(isWorking, notBeyond: nil, until: { living.isEmpty }) {
            guard ContinuousClock.now < stopEnd else {
                throw SagaError(.stopped, "a step goes on although it was cancelled")
            }
            try? await ContinuousClock().sleep(for: .milliseconds(1))
        }
        for task in tasks { try await task.value }
        try Task.checkCancellation()
        return isPlayed
    }

    /// Runs a process of each participant while a body runs, in the rehearsal's own time.
    package func running(
        _ plans: [ParticipantPlan], _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let living = Living(1)
        let task = Task(executorPreference: executor) {
            defer { living.endOne() }
            try await body()
        }
        defer { task.cancel() }
        guard try await play(plans, until: { living.isEmpty }) else {
            throw SagaError(.unexpectedState, "everybody waits, and for nothing")
        }
        try await task.value
    }

    /// Runs what can run, and moves time on when nothing can.
    private func drive(
        _ isWorking: () -> Bool, notBeyond end: ContinuousClock.Instant?, until isOver: () -> Bool
    ) async throws(SagaError) -> Bool {
        var waitsSince: ContinuousClock.Instant?
        for _ in 0..<Self.jobsMaximum {
            if executor.runOne() { continue }
            if isOver() { return true }
            if isWorking() {
                let now = ContinuousClock.now
                let since = waitsSince ?? now
                waitsSince = since
                if now - since < Self.patience {
                    try? await ContinuousClock().sleep(for: .milliseconds(1))
                    continue
                }
            } else {
                waitsSince = nil
            }
            guard clock.advance(notBeyond: end) else { return false }
        }
        throw SagaError(.unexpectedState, "the rehearsal does not come to rest")
    }
}

/// How many tasks have not ended yet.
private final class Living: Sendable {
    private let count: Mutex<Int>

    init(_ count: Int) {
        self.count = Mutex(count)
    }

    var isEmpty: Bool { count.withLock { $0 } == 0 }

    func endOne() { count.withLock { $0 -= 1 } }
}
