import CloudEvents
import Logging
import Metrics
import Synchronization

/// Works on an entry until it is done, left for later, or among the dead letters.
struct EntryConclusion: Sendable {
    let environment: WorkEnvironment
    /// Whether its entry may be of a saga of another route, as it cannot be read: then it tells
    /// nothing of any.
    var mayBeOfAnotherRoute = false

    func work(_ entry: HeldEntry, _ place: Dispatcher.Place) async -> Dispatcher.Ending {
        environment.consumed[entry.stream].increment()
        guard let conclusion = conclusion(of: entry) else {
            environment.passOver(entry)
            return .done
        }
        return await conclusion.work(
            entry, place, isAnyBlocked: environment.isAnyBlocked.load(ordering: .relaxed))
    }

    /// That of the entry's route; nil if the participant has no part in it, as in sagas of those
    /// who say the same events on other routes too.
    private func conclusion(of entry: HeldEntry) -> EntryConclusion? {
        guard let route = entry.route else {
            if case .unreadable(let content) = entry.content, content.event == nil {
                let known = environment.onEachRoute.filter { $0.meanings[entry.stream] != nil }
                return known.first.map {
                    EntryConclusion(environment: $0, mayBeOfAnotherRoute: known.count > 1)
                }
            }
            return environment.meanings[entry.stream] == nil ? nil : self
        }
        guard let found = environment.on(route), found.meanings[entry.stream] != nil else {
            return nil
        }
        return found === environment ? self : EntryConclusion(environment: found)
    }

    private func work(
        _ entry: HeldEntry, _ place: Dispatcher.Place, isAnyBlocked: Bool
    ) async -> Dispatcher.Ending {
        guard let consumed = environment.meanings[entry.stream] else { return .done }
        let firstTime = environment.clock.wallMilliseconds
        let unfinished: [UnfinishedRole]
        do throws(Interruption) {
            unfinished = try await run(entry, consumed, place, isAnyBlocked: isAnyBlocked)
        } catch {
            return .left
        }
        if unfinished.isEmpty { return .done }
        // A task that was cancelled for taking too long could not reach the store any more.
        return await Task(executorPreference: environment.ports.transport.executor) {
            await end(entry, unfinished, firstTime, place) ? .done : .left
        }.value
    }

    private func run(
        _ entry: HeldEntry, _ consumed: ParticipantPlan.Consumed, _ place: Dispatcher.Place,
        isAnyBlocked: Bool
    ) async throws(Interruption) -> [UnfinishedRole] {
        switch entry.content {
        case .event(let event):
            let work = EntryWork(
                environment: environment, event: event,
                deliveredBefore: entry.deliveredBefore, epoch: entry.epoch,
                look: place.isFirst ? entry.look : nil,
                entryID: entry.id, place: place)
            let unfinished = try await work.run(consumed, owed: entry.debt?.step)
            if let debt = entry.debt {
                let isPaid = !unfinished.contains { $0.step == nil || $0.step == debt.step }
                if isPaid { try await work.settle(debt) }
            } else if isAnyBlocked, unfinished.isEmpty {
                try await work.noteProgress(consumed)
            }
            return unfinished
        case .unreadable(let content):
            let fault = Interruption.dead(content.reason, content.error, attempts: 0)
            return [UnfinishedRole(step: nil, interruption: fault)]
        }
    }

    /// Parks what waits, each step for itself, and keeps one letter for all that nothing here can
    /// deal with; false if the runtime stops before.
    private func end(
        _ entry: HeldEntry, _ unfinished: [UnfinishedRole], _ firstTime: Int64,
        _ place: Dispatcher.Place
    ) async -> Bool {
        var dead: [UnfinishedRole] = []
        for role in unfinished {
            let (owing, error): (String, String)
            switch role.interruption {
            case .blocked(let step, let reason): (owing, error) = (step, reason)
            case .asks(let step, let question): (owing, error) = (step, Debt.asking(question))
            case .dead, .halfApplied:
                dead.append(role)
                continue
            case .stopped, .epochOver: return false
            }
            guard await park(owing, error, trace(entry, of: [owing]), entry, place) else {
                return false
            }
        }
        guard let first = dead.first else { return true }
        guard await keepLetter(entry, of: dead, first.interruption, firstTime, place) else {
            return false
        }
        guard let debt = entry.debt,
            dead.contains(where: { $0.step == nil || $0.step == debt.step })
        else { return true }
        return await settle(debt, entry, place)
    }

    func forwardSteps(_ entry: HeldEntry) -> [Step] {
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

    func work(
        on sagaID: String, _ entry: HeldEntry, _ place: Dispatcher.Place
    ) -> EntryWork {
        EntryWork(
            environment: environment, event: event(entry, sagaID), deliveredBefore: true,
            epoch: entry.epoch, entryID: entry.id, place: place)
    }

    /// What was never an event has done nothing; one in its place can be worked on all the same.
    func event(_ entry: HeldEntry, _ sagaID: String) -> CloudEvent {
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
