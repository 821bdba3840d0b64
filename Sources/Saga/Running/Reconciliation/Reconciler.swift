import CloudEvents
import Logging

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

    private let environment: WorkEnvironment
    private let step: Step
    private let reconciliation: Step.Reconciliation
    private let keys: IdempotencyKeys

    /// Nil for a step without books.
    init?(_ step: Step, _ environment: WorkEnvironment) {
        guard let reconciliation = step.reconciliation else { return nil }
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
        var failures = 0
        while isRunning() {
            let before = log.shown.count
            do {
                for finding in try await look(&log) { await act(on: finding, &log) }
                if log.shown.count > max(before, Self.linesMaximum) { report(log.shown.count) }
                environment.metrics.unclaimed(log.shown.count, of: step.name)
                failures = 0
            } catch {
                failures += 1
                if failures == 1 {
                    environment.logger.warning(
                        "the books of a company cannot be compared with the ledgers yet",
                        metadata: ["step": "\(step.name)", "error": "\(error)"])
                }
            }
            let pause = environment.configuration.reconciliationInterval
            guard (try? await environment.clock.sleep(for: pause)) != nil else { return }
            if present != seen { log.begin() }
            seen = present
        }
    }

    /// Changes when the store may hold other data than before.
    private var present: [Int64?] {
        [Int64(environment.ports.transport.epoch().number), environment.birth.known]
    }

    // MARK: - Looking

    /// Compares what has come since the last look, and what was not in order then.
    ///
    /// - Returns: what is not in order.
    func look(_ log: inout ReconciliationLog) async throws -> [OutsideFinding] {
        let now = environment.clock.wallMilliseconds
        let ripe = now - Int64(environment.configuration.reconciliationGrace.milliseconds)
        let since = environment.horizon(since: 0).beginning
        var found: [OutsideFinding] = []
        for key in log.open {
            guard let entry = try await reconciliation.books.entry(under: key) else {
                log.close(key)
                continue
            }
            found += try await compare([entry], &log)
        }
        for _ in 0..<Self.pagesMaximum {
            let page = try await reconciliation.books.entries(after: log.cursor, since: since)
            let open = log.open
            found += try await compare(
                page.entries.filter { $0.made <= ripe && !open.contains($0.key) }, &log)
            // What is too young is read again, with the page that it is on; so is the last one.
            guard let next = page.next, page.entries.allSatisfy({ $0.made <= ripe }) else { break }
            log.advance(to: next)
        }
        return found
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
            let verdict = ReconciliationMachine.verdict(
                on: entry.standing, in: state,
                isCovered: environment.horizon(since: born).covers(made: entry.made))
            guard verdict != .nothing else {
                log.close(entry.key)
                continue
            }
            log.keep(entry.key)
            found.append(
                OutsideFinding(
                    participant: environment.plan.name, step: step.name, sagaID: sagaID,
                    entry: entry, verdict: verdict))
        }
        return found
    }

    // MARK: - Acting

    /// Does what a verdict says, once; what it was to bring about shows at the next look.
    func act(on finding: OutsideFinding, _ log: inout ReconciliationLog) async {
        let now = environment.clock.now
        do {
            switch finding.verdict {
            case .nothing:
                return
            case .ask, .tell:
                if finding.verdict == .tell { show(finding, &log) }
                let interval = environment.configuration.reconciliationInterval
                guard log.mayAsk(about: finding.entry.key, every: interval, at: now) else {
                    return
                }
                if log.wasAskedInVain(about: finding.entry.key) { show(finding, &log) }
                try await ask(finding, log.questions(about: finding.entry.key))
            case .undo:
                let limit = environment.configuration.reconciliationUndosMaximum
                let wasHalted = log.isHalted
                guard log.mayUndo(atMost: limit, at: now) else {
                    if !wasHalted { halt(limit) }
                    return show(finding, &log)
                }
                try await undo(finding)
            case .doubt:
                if log.doubt(finding.entry.key) { show(finding, &log) }
                return
            case .show:
                return show(finding, &log)
            }
            environment.metrics.reconciled(finding.verdict)
        } catch {
            environment.logger.warning(
                "what no ledger knows cannot be dealt with yet",
                metadata: metadata(finding, ["error": "\(error)"]))
        }
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

    private func halt(_ limit: Int) {
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

/// Something that a company holds for a participant, and what is to be done about it.
public struct OutsideFinding: Sendable {
    /// Who had it done.
    public var participant: String
    /// The step that did it.
    public var step: String
    /// The saga that its key names.
    public var sagaID: String
    /// What stands there.
    public var entry: OutsideEntry
    package var verdict: ReconciliationMachine.Verdict

    /// Whether nothing can be done about it by itself.
    public var needsAPerson: Bool { verdict == .show || verdict == .tell }

    /// What is to be done, in a sentence.
    public var advice: String {
        switch verdict {
        case .nothing: "it is in order"
        case .ask: "no ledger knows it; the owner of its saga is asked"
        case .undo: "it was undone and stands all the same; it is undone once more"
        case .doubt:
            "the company has undone it, and the ledger says that it stands; if that is still so in "
                + "a minute, a person has to look"
        case .tell:
            "it stands for good, and no ledger knows it; the owner of its saga is told, so that "
                + "the rest of it stands too, and a person has to look"
        case .show where entry.standing == .final:
            "it stands for good, and no ledger says that it was done; a person has to look"
        case .show:
            "no ledger knows it, and none would have to: it is from before the data in Redis, or "
                + "older than ledgers are kept; a person has to look"
        }
    }
}
