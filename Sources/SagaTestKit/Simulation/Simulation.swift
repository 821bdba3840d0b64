import Logging
package import Saga
import Synchronization

/// Runs a whole system of participants in one thread, in an order that a seed decides, while
/// whatever can go wrong does.
///
///     seed ─▶ order of tasks, delays, faults, what companies say ─▶ the same trace, always
///
///     faults for a while ─▶ none any more ─▶ quiet, or too long ─▶ the caller judges
///
/// Time is virtual: it moves on when every task waits. One seed shows one course of events in
/// milliseconds; thousands of them show what no test by hand would think of.
package final class Simulation: Sendable {
    private struct State {
        var random: SeededRandom
        var faults: SimulationFaults
        var isAway = false
        var isOver = false
        var failure: String?
        /// Copies of the data, the latest last, to go back to.
        var copies: [(time: ContinuousClock.Instant, contents: MemoryData)] = []
    }

    package let seed: UInt64
    package let clock: VirtualClock
    package let server: MemoryServer
    package let trace: SimulationTrace
    let executor: SeededExecutor
    let chance: SeededChance
    let configuration: SagaRuntimeConfiguration
    private let faultTime: Duration
    private let processes: Mutex<[SimulatedProcess]>
    private let state: Mutex<State>

    /// How long a system may take to come to its end once nothing goes wrong any more.
    private static let patience: Duration = .seconds(400)
    /// More jobs than any simulation needs.
    private static let jobsMaximum = 20_000_000

    /// A simulation of a seed.
    ///
    /// - Parameters:
    ///   - faults: what goes wrong, in the first `faultTime`.
    ///   - isTraced: whether lines are kept, which takes time and memory.
    package init(
        seed: UInt64, faults: SimulationFaults = SimulationFaults(),
        faultTime: Duration = .seconds(10),
        configuration: SagaRuntimeConfiguration = SagaRuntimeConfiguration(),
        isTraced: Bool = false
    ) {
        self.seed = seed
        self.faultTime = faultTime
        self.configuration = configuration
        clock = VirtualClock()
        server = MemoryServer(clock: clock)
        executor = SeededExecutor(seed: seed)
        chance = SeededChance(seed: seed ^ 0xC0FFEE, clock: clock)
        trace = SimulationTrace(clock: clock, isKept: isTraced)
        processes = Mutex([])
        state = Mutex(State(random: SeededRandom(seed: seed ^ 0xFA17), faults: faults))
    }

    // MARK: - Chance

    /// Whether something happens whose probability the present faults say.
    package func happens(_ probability: (SimulationFaults) -> Double) -> Bool {
        state.withLock { state in
            let probability = probability(state.faults)
            return probability > 0 && state.random.happens(probability)
        }
    }

    /// From 0 up to 1.
    package func fraction() -> Double { state.withLock { $0.random.fraction() } }

    /// From 0 below a bound, which is above 0.
    package func below(_ bound: Int) -> Int { state.withLock { $0.random.below(bound) } }

    /// Waits as long as a call may take.
    package func delay() async {
        try? await clock.sleep(for: .microseconds(100 + below(2000)))
    }

    var isAway: Bool { state.withLock { $0.isAway } }

    // MARK: - Running

    /// Runs the system and a client of it.
    ///
    /// - Parameters:
    ///   - participants: each with the number of its processes.
    ///   - isQuiet: whether everything has come to its end; asked once a second.
    ///   - client: what happens to the system from outside; begun once everything runs.
    ///   - afterwards: what happens once it has become quiet.
    /// - Returns: nil if it became quiet, else why not.
    package func run(
        _ participants: [(participant: Participant, count: Int)],
        isQuiet: @escaping @Sendable (MemoryData) -> Bool,
        client: @escaping @Sendable (Simulation) async -> Void,
        afterwards: @escaping @Sendable () async -> Void = {}
    ) throws -> String? {
        let all = try participants.flatMap { participant, count in
            let plan = try ParticipantPlan(participant)
            return (0..<count).map { SimulatedProcess(plan, number: $0, in: self) }
        }
        processes.withLock { $0 = all }
        for process in all { try process.start() }
        let course = Task(executorPreference: executor) {
            await self.course(isQuiet: isQuiet, client: client, afterwards: afterwards)
        }
        defer { course.cancel() }
        for _ in 0..<Self.jobsMaximum {
            if state.withLock({ $0.isOver }) { return state.withLock { $0.failure } }
            if executor.runOne() || clock.advance() { continue }
            return "nothing waits for anything, and it is not over"
        }
        return "it does not end"
    }

    /// A living runtime of a participant, any of them.
    package func runtime(of participant: String) -> SagaRuntime? {
        let living = processes.withLock { $0 }
            .filter { $0.participant == participant }
            .compactMap(\.runtime)
        return living.isEmpty ? nil : living[below(living.count)]
    }

    private func course(
        isQuiet: @Sendable (MemoryData) -> Bool,
        client: @escaping @Sendable (Simulation) async -> Void,
        afterwards: @Sendable () async -> Void
    ) async {
        let visiting = Task(executorPreference: executor) { await client(self) }
        let end = clock.now + faultTime
        while clock.now < end { await misfortune() }
        state.withLock { $0.faults = .none }
        setAway(false)
        trace.note("nothing goes wrong any more")
        await visiting.value
        let limit = clock.now + Self.patience
        while !isQuiet(server.contents), clock.now < limit {
            try? await clock.sleep(for: .seconds(1))
        }
        let isLate = !isQuiet(server.contents)
        if !isLate { await afterwards() }
        for process in processes.withLock({ $0 }) { await process.stop() }
        state.withLock { state in
            state.failure = isLate ? "it is not quiet after \(Self.patience)" : nil
            state.isOver = true
        }
    }

    // MARK: - Misfortune

    /// A tenth of a second in which something may happen to the system as a whole.
    private func misfortune() async {
        try? await clock.sleep(for: .milliseconds(100))
        keepCopy()
        if happens({ $0.pauses / 10 }) {
            let all = processes.withLock { $0 }
            let faults = state.withLock { $0.faults }
            all[below(all.count)].pause(for: faults.pause * fraction())
        }
        if happens({ $0.restarts / 10 }) {
            let all = processes.withLock { $0 }
            let chosen = all[below(all.count)]
            Task(executorPreference: executor) { await chosen.stop(restarts: true) }
        }
        if happens({ $0.clockJumps / 10 }) {
            clock.shiftWall(by: Int64((fraction() - 0.5) * 7_200_000))
        }
        if happens({ $0.repetitions / 10 }) { repeatSomething() }
        if happens({ $0.losses / 10 }) { loseSomething() }
        if happens({ $0.rollbacks / 10 }) { goBack() }
        if happens({ $0.vanishings / 10 }) { dropGroup() }
        if happens({ $0.outages / 10 }) {
            setAway(true)
            let faults = state.withLock { $0.faults }
            try? await clock.sleep(for: faults.outage * fraction())
            setAway(false)
        }
    }

    private func setAway(_ isAway: Bool) {
        let isNews = state.withLock { state in
            defer { state.isAway = isAway }
            return state.isAway != isAway
        }
        if isNews { trace.note(isAway ? "the store is away" : "the store is back") }
    }

    private func keepCopy() {
        let copy = (time: clock.now, contents: server.contents)
        state.withLock { state in
            state.copies.append(copy)
            state.copies.removeAll { copy.time - $0.time > .seconds(1) }
        }
    }

    private func goBack() {
        let copy = state.withLock { state -> (ContinuousClock.Instant, MemoryData)? in
            guard !state.copies.isEmpty else { return nil }
            let copy = state.copies[state.random.below(state.copies.count)]
            state.copies = []
            return copy
        }
        guard let copy else { return }
        let standstill = state.withLock { $0.faults.standstill }
        if standstill > .zero {
            for process in processes.withLock({ $0 }) {
                process.pause(for: standstill * fraction())
            }
        }
        trace.note("the store goes back by \(clock.now - copy.0)")
        server.goBack(to: copy.1)
    }

    /// An event that is in a stream comes once more, as a replay would have it.
    private func repeatSomething() {
        let all = server.contents.streams.sorted { $0.key < $1.key }
            .flatMap { stream, kept in kept.entries.map { (stream, $0) } }
        guard !all.isEmpty else { return }
        let (stream, entry) = all[below(all.count)]
        trace.note("an event of \(stream) comes again")
        try? server.change { $0.append(entry.bytes, sagaID: entry.sagaID, to: stream) }
    }

    /// An entry is gone before a group has dealt with it, as after a careless XTRIM or XACK.
    private func loseSomething() {
        let faults = state.withLock { $0.faults }
        try? server.change(rings: false) { data in
            let owed = data.owed.filter { one in
                let kept = one.isRead ? faults.kept.union(faults.keptOnceRead) : faults.kept
                return !kept.contains { one.stream.hasSuffix(":\($0)") }
            }
            guard !owed.isEmpty else { return }
            let one = owed[below(owed.count)]
            data.lose(one)
            trace.note("\(one.group) loses an event of \(one.stream)")
        }
    }

    /// A group is gone, as after an XGROUP DESTROY.
    private func dropGroup() {
        let all = server.contents.streams.sorted { $0.key < $1.key }
            .flatMap { stream, kept in kept.groups.keys.sorted().map { (stream, $0) } }
        guard !all.isEmpty else { return }
        let (stream, group) = all[below(all.count)]
        trace.note("group \(group) of \(stream) vanishes")
        try? server.change(rings: false) { $0.streams[stream]?.groups[group] = nil }
    }

    /// Starts a process again, after a while.
    func restart(_ process: SimulatedProcess) {
        Task(executorPreference: executor) {
            try? await self.clock.sleep(for: .milliseconds(20 + self.below(3000)))
            if self.state.withLock({ $0.isOver }) { return }
            try? process.start()
        }
    }
}
