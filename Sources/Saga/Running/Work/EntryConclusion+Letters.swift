import CloudEvents
import Logging

/// What nothing here can deal with becomes a letter, and the ledger says what may have been done.
extension EntryConclusion {
    func keepLetter(
        _ entry: HeldEntry, of dead: [UnfinishedRole], _ first: Interruption, _ firstTime: Int64,
        _ place: Dispatcher.Place
    ) async -> Bool {
        // Nothing was done for what is too old, and nothing may be concluded from it later.
        let mayHaveActed = dead.filter { role in
            if case .dead(.tooOld, _, _) = role.interruption { false } else { true }
        }
        var trace = trace(entry, of: Self.steps(mayHaveActed))
        for role in dead.reversed() {
            guard case .halfApplied(let field, let expected, _) = role.interruption else {
                continue
            }
            trace?.halfApplied(field, expected: expected, eventID: eventID(entry))
        }
        let letter: DeadLetter
        switch first {
        case .dead(let reason, let error, let attempts):
            letter = self.letter(entry, reason, error, attempts, firstTime)
        case .halfApplied(let field, _, let error):
            let text = DeadLetter.halfApplied(
                error, field: field,
                ledger: environment.ports.store.name(ofLedger: trace?.sagaID ?? ""))
            letter = self.letter(entry, .halfApplied, text, 1, firstTime)
        case .blocked, .asks, .stopped, .epochOver: return true
        }
        if trace?.blocked == nil,
            let step = await blockedStep(entry, trace?.sagaID, of: Self.steps(dead))
        {
            trace?.blocked = (step, eventID(entry))
        }
        return await writeDeadLetter(letter, trace, entry, place)
    }

    /// Those that the roles move; nil if one of them is about the event as a whole.
    private static func steps(_ roles: [UnfinishedRole]) -> Set<String>? {
        let steps = roles.compactMap(\.step)
        return steps.count == roles.count ? Set(steps) : nil
    }

    private func letter(
        _ entry: HeldEntry, _ reason: DeadLetter.Reason, _ error: String, _ attempts: Int,
        _ firstTime: Int64
    ) -> DeadLetter {
        let bytes =
            switch entry.content {
            case .event(let event): event.json()
            case .unreadable(let content): content.bytes
            }
        return DeadLetter(
            event: bytes, stream: environment.streams[entry.stream].key, id: entry.id,
            reason: reason, error: error, attempts: attempts, firstTime: firstTime,
            lastTime: firstTime)
    }

    /// What the ledger has to say: which forward steps of the entry may have acted.
    ///
    /// - Parameter steps: those that came to no end; nil for all.
    func trace(_ entry: HeldEntry, of steps: Set<String>?) -> DeadLetter.Trace? {
        guard let sagaID = sagaID(entry) else { return nil }
        var trace = DeadLetter.Trace(sagaID: sagaID)
        if mayBeOfAnotherRoute { return trace }
        trace.form = KeyForm(startedBy: event(entry, sagaID).route)
        let note = BusinessFailure.outcomeUnknown.note
        for step in forwardSteps(entry) where steps?.contains(step.name) ?? true {
            let next = StepMachine.next(after: .died, actsOutside: step.actsOutside)
            guard next != .absent else { continue }
            let text = LedgerEntry(state: next.rawValue, eventID: eventID(entry), note: note)
            trace.unknown.append(
                DeadLetter.Trace.Mark(step: step.name, expected: "", entry: text))
        }
        return trace
    }

    /// The step that the saga still owes once its entry is a dead letter: a compensation, a finish.
    ///
    /// The ledger says whether it is owed: what is dead may be a stranger's, or a second copy.
    private func blockedStep(
        _ entry: HeldEntry, _ sagaID: String?, of steps: Set<String>?
    ) async -> String? {
        guard let sagaID, !mayBeOfAnotherRoute else { return nil }
        let roles = (environment.meanings[entry.stream]?.roles ?? [])
            .filter { role in role.step.flatMap { steps?.contains($0) } ?? true }
        let owed = roles.compactMap { role -> (step: String, role: StepRole)? in
            switch role {
            case .compensate(let step, _): (step.name, .compensate)
            case .finish(let step, _): (step.name, .finish)
            case .again, .start, .end, .pivot, .join, .inPlace, .heard, .unclaimed, .inquiry,
                .deadline:
                nil
            }
        }
        guard !owed.isEmpty,
            let look = try? await environment.ports.store.ledger(
                of: sagaID, fields: owed.map(\.step))
        else { return nil }
        return owed.first { step, role in
            guard let state = StepState(rawValue: look[step]?.state ?? "") else { return false }
            return switch StepMachine.action(role, in: state) {
            case .undo, .finish: true
            default: false
            }
        }?.step
    }

    /// Keeps the letter, through outages; false if the runtime stops before it is kept.
    private func writeDeadLetter(
        _ letter: DeadLetter, _ trace: DeadLetter.Trace?, _ entry: HeldEntry,
        _ place: Dispatcher.Place
    ) async -> Bool {
        guard let found = await write(letter, trace, entry, place) else { return false }
        environment.letters.note(letter)
        guard let trace else { return true }
        if trace.blocked != nil { report(trace) }
        return await takeBack(letter, trace, found, entry, place)
    }

    func report(_ trace: DeadLetter.Trace) {
        environment.metrics.sagaBlocked()
        // Each has its letter; a flood of them needs no line each.
        let isNews = environment.transitions.health.isNews("letter \(trace.blocked?.step ?? "")")
        environment.logger.log(
            level: isNews ? .error : .debug, "saga is blocked and waits for a person",
            metadata: [
                "saga": "\(trace.sagaID)", "step": "\(trace.blocked?.step ?? "")",
                "event": "\(trace.blocked?.eventID ?? "")",
            ])
    }

    /// Undoes what the entry may have done outside where the ledger says that nothing stands.
    ///
    /// But for the step that is blocked, which waits for a person. A ledger names one such step:
    /// the first.
    private func takeBack(
        _ letter: DeadLetter, _ trace: DeadLetter.Trace, _ found: [LedgerEntry],
        _ entry: HeldEntry, _ place: Dispatcher.Place
    ) async -> Bool {
        let found = zip(trace.unknown, found)
        for step in forwardSteps(entry) where step.actsOutside && step.name != trace.blocked?.step {
            guard let held = found.first(where: { $0.0.step == step.name })?.1,
                let state = StepState(rawValue: held.state),
                StepMachine.actionAfterRefusal(of: .forward, mayHaveActed: true, by: state)
                    == .takeBack
            else { continue }
            do throws(Interruption) {
                if case .unreadable(let content) = entry.content, content.isHopeless {
                    throw .blocked(step: step.name, content.error)
                }
                try await work(on: trace.sagaID, entry, place).takeBack(step)
            } catch {
                guard case .blocked = error else { return false }
                var blocked = trace
                blocked.blocked = (step.name, eventID(entry))
                if trace.blocked == nil {
                    guard await write(letter, blocked, entry, place) != nil else { return false }
                }
                report(blocked)
            }
        }
        return true
    }

    private func write(
        _ letter: DeadLetter, _ trace: DeadLetter.Trace?, _ entry: HeldEntry,
        _ place: Dispatcher.Place
    ) async -> [LedgerEntry]? {
        await untilKept("a dead letter", place) { () async throws(SagaError) in
            var letter = letter
            letter.lastTime = environment.clock.wallMilliseconds
            return try await environment.ports.store.keep(letter, trace, in: entry.epoch)
        }
    }
}
