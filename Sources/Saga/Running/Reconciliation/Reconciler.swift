import CloudEvents
import Logging
import Timekeeping

// Redis may lose its last moment, and with it the ledgers of what was done outside. The companies
// have not forgotten. So their books are compared with the ledgers:
//
//     books ──page──▶ ledgers ──▶ ReconciliationMachine ──▶ nothing
//       ▲                                              ├──▶ ask the owner: …Unclaimed
//       │                                              ├──▶ undo, and look again
//       └────── what is not in order, every minute ────┴──▶ show

/// Finds what stands outside although no ledger of the participant knows it.
final class Reconciler: Sendable {
    private static let pagesMaximum = 100_000
    /// What is shown beyond that is counted: after a loss of everything it would be a flood.
    private static let linesMaximum = 20
    private static let day: Duration = .seconds(86_400)
    private static let patience: Duration = .seconds(30)
    /// What is so much of the future has a clock that is wrong, in milliseconds.
    private static let futureMinimum: Int64 = 3_600_000

    private let environment: WorkEnvironment
    private let step: Step
    private let reconciliation: Step.Reconciliation
    private let keys: IdempotencyKeys

    /// Nil for a step without books.
    init?(_ step: Step, _ environment: WorkEnvironment) {
        guard let reconciliation = step.reconciliation, !PlantedFault.isPlanted(.noReconciliation)
        else { return nil }
        self.step = step
        self.reconciliation = reconciliation
        self.environment = environment
        keys = IdempotencyKeys(
            namespace: environment.configuration.namespace, route: environment.plan.route,
            form: .named)
    }

    /// Looks at the start and then now and then, until the runtime stops.
    func run(while isRunning: @Sendable () -> Bool) async {
        var log = ReconciliationLog()
        var seen = present
        var begun = environment.clock.now
        var looked = environment.clock.now
        while isRunning() {
            let before = log.shown.count
            do {
                let findings = try await look(&log, while: isRunning)
                for finding in findings where isRunning() && !Task.isCancelled {
                    if case .unavailable = await act(on: finding, &log) { break }
                }
                if log.shown.count > max(before, Self.linesMaximum) { report(log.shown.count) }
                environment.metrics.unclaimed(log.shown.count, of: step.name)
                looked = environment.clock.now
            } catch {
                cannotLook(error)
            }
            environment.metrics.reconciliationAge(environment.clock.now - looked, of: step.name)
            let pause = environment.configuration.reconciliationInterval
            guard (try? await environment.clock.sleep(for: pause)) != nil else { return }
            // What a clock that was wrong for a moment left out is met within a day.
            if present != seen || environment.clock.now - begun > Self.day {
                log.begin()
                begun = environment.clock.now
            }
            seen = present
        }
    }

    private func cannotLook(_ error: any Error) {
        guard environment.transitions.health.isNews("books \(step.name)") else { return }
        environment.logger.warning(
            "the books of a company cannot be compared with the ledgers yet",
            metadata: ["step": "\(step.name)", "error": "\(error)"])
    }

    /// Changes when the store may hold other data than before.
    private var present: [Int64?] {
        [Int64(environment.ports.transport.epoch().number), environment.birth.known]
    }

    // MARK: - Looking

    /// Compares what has come since the last look, and what was not in order then.
    ///
    /// An entry that cannot be read, or has no room, is left for the next look, and the others are
    /// not.
    ///
    /// - Returns: what is not in order.
    func look(
        _ log: inout ReconciliationLog, while isRunning: () -> Bool = { true }
    ) async throws -> [OutsideFinding] {
        let now = environment.clock.wallMilliseconds
        let ripe = now - Int64(environment.configuration.reconciliationGrace.milliseconds)
        let since = environment.horizon(since: 0).beginning
        var found: [OutsideFinding] = []
        var fault: (any Error)?
        for key in log.open.sorted() where isRunning() {
            do {
                let entry = try await limited {
                    try await self.reconciliation.books.entry(under: key)
                }
                if let entry, entry.made >= since {
                    found += try await compare([entry], &log)
                } else {
                    log.close(key)
                }
            } catch {
                fault = fault ?? error
            }
        }
        for _ in 0..<Self.pagesMaximum where isRunning() {
            let cursor = log.cursor
            let page = try await limited {
                try await self.reconciliation.books.entries(after: cursor, since: since)
            }
            let open = log.open
            // Who dates something hours ahead has a wrong clock: nobody waits for that time.
            let isDue = { (entry: OutsideEntry) in
                entry.made <= ripe || entry.made > now + Self.futureMinimum
            }
            found += try await compare(
                page.entries.filter { $0.made >= since && isDue($0) && !open.contains($0.key) },
                &log)
            // What is too young is read again, with the page that it is on; so is the last one,
            // and one with more than there was room for.
            guard let next = page.next, page.entries.allSatisfy(isDue), !log.isFull else { break }
            log.advance(to: next)
        }
        if found.isEmpty, let fault { throw fault }
        if let fault { cannotLook(fault) }
        return found
    }

    /// A company that never answers is as good as one that cannot be asked.
    private func limited<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let gate = environment.gates[step.name]
        let executor = environment.configuration.handlerExecutor.executor
        let ask: @Sendable () async throws -> Value? = {
            guard let gate else { return try await body() }
            return try await gate.pass(body)
        }
        return try await withThrowingTaskGroup(of: Value?.self) {
            [clock = environment.clock] group in
            // In optimised code (Swift 6.3) a preference of nil would not leave it where this
            // task runs, but go to the global executor.
            if let executor {
                group.addTask(executorPreference: executor) { try await ask() }
            } else {
                group.addTask { try await ask() }
            }
            group.addTask {
                try await clock.sleep(for: Self.patience)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else {
                throw SagaError(
                    .unavailable, "the company did not answer within \(Self.patience)",
                    retry: .later)
            }
            return value
        }
    }

    private func compare(
        _ entries: [OutsideEntry], _ log: inout ReconciliationLog
    ) async throws -> [OutsideFinding] {
        let own = entries.compactMap { entry in
            keys.saga(of: entry.key, environment.plan.name, step.name).map { (entry, $0) }
        }
        guard !own.isEmpty else { return [] }
        let looks = await environment.ports.store.ledgers(
            of: own.map { (sagaID: $0.1, fields: [step.name]) })
        var found: [OutsideFinding] = []
        for ((entry, sagaID), look) in zip(own, looks) {
            guard let look, let born = look.born else {
                throw SagaError(.unavailable, "the ledgers cannot be read now", retry: .later)
            }
            let state = StepState(rawValue: look[step.name]?.state ?? "") ?? .unknown
            // A company's clock may be ahead of the store's, but by no hours.
            let isCovered =
                environment.horizon(since: born).covers(
                    made: entry.made, margin: environment.configuration.reconciliationGrace)
                && entry.made <= environment.clock.wallMilliseconds + Self.futureMinimum
            let verdict = ReconciliationMachine.verdict(
                on: entry.standing, in: state, isCovered: isCovered)
            guard verdict != .nothing else {
                log.close(entry.key)
                continue
            }
            guard log.keep(entry.key) else { continue }
            found.append(
                OutsideFinding(
                    participant: environment.plan.name, step: step.name, sagaID: sagaID,
                    entry: entry, verdict: verdict))
        }
        return found
    }

    // MARK: - Acting

    /// What came of acting on a finding.
    enum Acted {
        /// Nothing was to be done now.
        case nothing
        case done
        /// It could not be done.
        case failed(any Error)
        /// Nor could anything else: our own store does not answer.
        case unavailable(any Error)
        /// Too much was undone within an hour already.
        case halted
    }

    /// Does what a verdict says, once; what it was to bring about shows at the next look.
    func act(on finding: OutsideFinding, _ log: inout ReconciliationLog) async -> Acted {
        let key = finding.entry.key
        let now = environment.clock.now
        let interval = environment.configuration.reconciliationInterval
        do {
            switch finding.verdict {
            case .nothing:
                return .nothing
            case .ask, .tell:
                if finding.verdict == .tell { show(finding, &log) }
                guard log.mayAsk(about: key, at: now) else { return .nothing }
                try await ask(finding, log.questions(about: key) + 1)
                // Only now: a question that nobody could hear is none.
                log.noteQuestion(about: key, every: interval, at: now)
                if log.wasAskedInVain(about: key) { show(finding, &log) }
            case .undo:
                if log.isHalted { show(finding, &log) }
                guard log.mayUndo(key, at: now) else { return log.isHalted ? .halted : .nothing }
                guard try await stillStands(finding) else { return .nothing }
                guard
                    try await environment.ports.store.mayUndo(
                        key, atMost: environment.configuration.reconciliationUndosMaximum)
                else {
                    log.halt()
                    reportHalt()
                    show(finding, &log)
                    return .halted
                }
                log.noteUndo(key, every: interval, at: now)
                try await limited { try await self.undo(finding) }
            case .doubt:
                if log.doubt(key) { show(finding, &log) }
                return .nothing
            case .show:
                show(finding, &log)
                return .nothing
            }
            environment.metrics.reconciled(finding.verdict)
            return .done
        } catch {
            if environment.transitions.health.isNews("finding \(step.name)") {
                environment.logger.warning(
                    "what no ledger knows cannot be dealt with yet",
                    metadata: metadata(finding, ["error": "\(error)"]))
            }
            return (error as? SagaError)?.retry == .later ? .unavailable(error) : .failed(error)
        }
    }

    /// Whether it is to be undone still: between the look at the books and that at the ledgers it
    /// may have been.
    private func stillStands(_ finding: OutsideFinding) async throws -> Bool {
        let key = finding.entry.key
        let entry = try await limited { try await self.reconciliation.books.entry(under: key) }
        guard let entry else { return false }
        var log = ReconciliationLog()
        return try await compare([entry], &log).first?.verdict == .undo
    }

    /// By an event as old as what it is about, so that its owner concludes no more from it.
    private func ask(_ finding: OutsideFinding, _ count: Int) async throws {
        let planned = try reconciliation.asking.make(
            UnclaimedQuestion(
                key: finding.entry.key, isFinal: finding.entry.standing == .final, count: count))
        let origin = TransitionWriter.Origin(
            sagaID: finding.sagaID, route: environment.plan.route)
        let transition = environment.transitions.transition(
            planned, origin: origin, at: finding.entry.made)
        _ = try await environment.transitions.apply(transition)
        environment.logger.notice(
            "something stands outside that no ledger knows; its saga's owner is asked",
            metadata: metadata(finding))
    }

    private func undo(_ finding: OutsideFinding) async throws {
        guard let compensation = step.compensations.first else { return }
        let cause = CloudEvent(
            id: environment.ports.chance.eventID(), source: "/\(environment.plan.name)",
            type: "Reconciliation", subject: finding.sagaID,
            time: environment.clock.wallMilliseconds, route: environment.plan.route,
            data: Array("{}".utf8))
        let context = StepContext(
            participant: environment.plan.name, sagaID: finding.sagaID, step: step.name,
            event: cause, attempt: 1, keys: keys, records: environment.ports.store.records)
        environment.logger.notice(
            "something stands outside that was undone; it is undone once more",
            metadata: metadata(finding))
        // What it would change and say was changed and said when it was undone first.
        _ = try await compensation.undo(context)
    }

    private func show(_ finding: OutsideFinding, _ log: inout ReconciliationLog) {
        guard log.show(finding.entry.key) else { return }
        environment.metrics.reconciled(.show)
        guard log.shown.count <= Self.linesMaximum else { return }
        environment.logger.error(
            "books and ledgers disagree, and a person has to look",
            metadata: metadata(finding, ["finding": "\(finding.advice)"]))
    }

    private func report(_ count: Int) {
        environment.logger.error(
            "books and ledgers disagree about more than is told one by one; see troupe reconcile",
            metadata: ["step": "\(step.name)", "count": .stringConvertible(count)])
    }

    private func reportHalt() {
        let limit = environment.configuration.reconciliationUndosMaximum
        environment.logger.critical(
            """
            too many undos were to be made on account of books, which has to be a mistake; nothing \
            more is undone until this process is started again
            """,
            metadata: ["step": "\(step.name)", "limit": .stringConvertible(limit)])
    }

    private func metadata(
        _ finding: OutsideFinding, _ more: Logger.Metadata = [:]
    ) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "saga": "\(finding.sagaID)", "step": "\(step.name)", "key": "\(finding.entry.key)",
        ]
        metadata.merge(more) { $1 }
        return metadata
    }
}
