import CloudEvents
import Logging
import Metrics
import Synchronization

/// Works on entries to whatever end there is: done, left for later, or among the dead letters.
struct EntryOffice: Sendable {
    let environment: WorkEnvironment

    func work(_ entry: HeldEntry, _ place: Dispatcher.Place) async -> Dispatcher.Ending {
        environment.consumed[entry.stream].increment()
        guard let office = office(of: entry) else { return .done }
        return await office.work(
            entry, place, isAnyBlocked: environment.isAnyBlocked.load(ordering: .relaxed))
    }

    /// That of the entry's route; nil if the participant has no part in it, as in sagas of those
    /// who say the same events on other routes too.
    private func office(of entry: HeldEntry) -> EntryOffice? {
        guard let route = entry.route else {
            if environment.meanings[entry.stream] != nil { return self }
            if case .event = entry.content { return nil }
            return environment.onEachRoute.first { $0.meanings[entry.stream] != nil }
                .map { EntryOffice(environment: $0) }
        }
        guard let found = environment.on(route), found.meanings[entry.stream] != nil else {
            return nil
        }
        return found === environment ? self : EntryOffice(environment: found)
    }

    private func work(
        _ entry: HeldEntry, _ place: Dispatcher.Place, isAnyBlocked: Bool
    ) async -> Dispatcher.Ending {
        guard let consumed = environment.meanings[entry.stream] else { return .done }
        let firstTime = environment.clock.wallMilliseconds
        do throws(Interruption) {
            switch entry.content {
            case .event(let event):
                let work = EntryWork(
                    environment: environment, event: event,
                    deliveredBefore: entry.deliveredBefore, epoch: entry.epoch,
                    look: place.isFirst ? entry.look : nil,
                    entryID: entry.id, place: place)
                try await work.run(consumed)
                if let debt = entry.debt {
                    try await work.settle(debt)
                } else if isAnyBlocked {
                    try await work.noteProgress(consumed)
                }
            case .unreadable(let content):
                throw Interruption.dead(content.reason, content.error, attempts: 0)
            }
            return .done
        } catch {
            // A task that was cancelled for taking too long could not reach the store any more.
            return await Task(executorPreference: environment.ports.transport.executor) {
                await end(entry, error, firstTime, place)
            }.value
        }
    }

    private func end(
        _ entry: HeldEntry, _ interruption: Interruption, _ firstTime: Int64,
        _ place: Dispatcher.Place
    ) async -> Dispatcher.Ending {
        let letter: DeadLetter
        var trace = trace(entry)
        switch interruption {
        case .blocked(let step, let error, _):
            return await park(step, error, trace, entry, place) ? .done : .left
        case .asks(let step, let question):
            let error = Debt.asking(question)
            return await park(step, error, trace, entry, place) ? .done : .left
        case .stopped, .epochOver:
            return .left
        case .dead(let reason, let error, let attempts):
            // Nothing was done, and nothing may be concluded from it later.
            if reason == .tooOld { trace?.unknown = [] }
            letter = self.letter(entry, reason, error, attempts, firstTime)
            if let step = await blockedStep(entry, trace?.sagaID) {
                trace?.blocked = (step, eventID(entry))
            }
        case .halfApplied(let field, let expected, let error):
            trace?.halfApplied(field, expected: expected, eventID: eventID(entry))
            let text = DeadLetter.halfApplied(
                error, field: field,
                ledger: environment.ports.store.name(ofLedger: trace?.sagaID ?? ""))
            letter = self.letter(entry, .halfApplied, text, 1, firstTime)
        }
        guard await bury(letter, trace, entry, place) else { return .left }
        guard let debt = entry.debt else { return .done }
        return await settle(debt, entry, place) ? .done : .left
    }

    // MARK: - The letter

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

    /// What the ledger has to say: every forward step of the entry may have acted.
    private func trace(_ entry: HeldEntry) -> DeadLetter.Trace? {
        guard let sagaID = sagaID(entry) else { return nil }
        var trace = DeadLetter.Trace(sagaID: sagaID)
        trace.form = KeyForm(startedBy: event(entry, sagaID).route)
        let note = BusinessFailure.outcomeUnknown.note
        for step in forwardSteps(entry) {
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
    private func blockedStep(_ entry: HeldEntry, _ sagaID: String?) async -> String? {
        guard let sagaID else { return nil }
        let roles = environment.meanings[entry.stream]?.roles ?? []
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

    private func forwardSteps(_ entry: HeldEntry) -> [Step] {
        environment.meanings[entry.stream]?.started ?? []
    }

    func sagaID(_ entry: HeldEntry) -> String? {
        switch entry.content {
        case .event(let event): event.correlationID
        case .unreadable(let content): content.sagaID
        }
    }

    func eventID(_ entry: HeldEntry) -> String {
        if case .event(let event) = entry.content { event.id } else { entry.id }
    }

    /// Keeps the letter, through outages; false if the runtime stops before it is kept.
    private func bury(
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
                    throw .blocked(step: step.name, content.error, attempts: 0)
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

    private func work(
        on sagaID: String, _ entry: HeldEntry, _ place: Dispatcher.Place
    ) -> EntryWork {
        EntryWork(
            environment: environment, event: event(entry, sagaID), deliveredBefore: true,
            epoch: entry.epoch, entryID: entry.id, place: place)
    }

    /// What was never an event has done nothing; one in its place can be worked on all the same.
    private func event(_ entry: HeldEntry, _ sagaID: String) -> CloudEvent {
        let stream = environment.streams[entry.stream]
        let known: CloudEvent? =
            switch entry.content {
            case .event(let event): event
            case .unreadable(let content): content.event
            }
        return known
            ?? CloudEvent(
                source: "/\(stream.owner)", type: stream.type, subject: sagaID,
                route: environment.plan.route, data: Array("{}".utf8))
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

    /// Tries until it works, and again what may have been done: all of it may be done twice.
    ///
    /// - Returns: nil if the runtime stops before, or the store holds other data by now.
    func untilKept<Value: Sendable>(
        _ what: String, _ place: Dispatcher.Place,
        _ keep: () async throws(SagaError) -> Value
    ) async -> Value? {
        var attempts = 0
        while true {
            do throws(SagaError) {
                return try await keep()
            } catch {
                if error.code == .stopped || error.code == .epochOver || Task.isCancelled {
                    return nil
                }
                attempts += 1
                if environment.transitions.health.isNews("\(what): \(error.message)") {
                    environment.logger.warning(
                        "\(what) cannot be kept yet", metadata: ["error": "\(error)"])
                }
                let duration = environment.configuration.retry.pause(
                    after: attempts, random: environment.ports.chance.fraction())
                guard await place.pause(duration) else { return nil }
            }
        }
    }
}
