import CloudEvents
import Logging
import Metrics
import Redis
import Saga

/// Works on entries to whatever end there is: done, left for later, or among the dead letters.
struct EntryOffice: Sendable {
    let environment: WorkEnvironment

    func work(_ entry: HeldEntry, _ place: Dispatcher.Place) async -> Dispatcher.Ending {
        let stream = environment.streams[entry.stream]
        environment.consumed[entry.stream].increment()
        let firstTime = SystemTime.milliseconds()
        do throws(Interruption) {
            switch entry.content {
            case .event(let event):
                let work = EntryWork(
                    environment: environment, event: event,
                    deliveredBefore: entry.deliveredBefore, place: place)
                try await work.run(stream.consumed)
            case .unreadable(_, let reason, let error):
                throw Interruption.dead(reason, error, attempts: 0)
            }
            return .done
        } catch {
            // A task that was cancelled for taking too long could not reach Redis any more.
            return await Task { await end(entry, error, firstTime, place) }.value
        }
    }

    private func end(
        _ entry: HeldEntry, _ interruption: Interruption, _ firstTime: Int64,
        _ place: Dispatcher.Place
    ) async -> Dispatcher.Ending {
        let letter: DeadLetter
        switch interruption {
        case .stopped:
            return .left
        case .dead(let reason, let error, let attempts):
            letter = self.letter(entry, reason, error, attempts, firstTime)
        case .blocked(let step, let error, let attempts):
            guard await block(entry, at: step, place) else { return .left }
            letter = self.letter(entry, .blocked, error, attempts, firstTime)
        }
        return await bury(letter, place) ? .done : .left
    }

    private func letter(
        _ entry: HeldEntry, _ reason: DeadLetter.Reason, _ error: String, _ attempts: Int,
        _ firstTime: Int64
    ) -> DeadLetter {
        let bytes =
            switch entry.content {
            case .event(let event): event.json()
            case .unreadable(let bytes, _, _): bytes
            }
        return DeadLetter(
            event: bytes, stream: environment.streams[entry.stream].key, id: entry.id,
            reason: reason, error: error, attempts: attempts, firstTime: firstTime)
    }

    /// Keeps the letter, through outages; false if the runtime stops before it is kept.
    private func bury(_ letter: DeadLetter, _ place: Dispatcher.Place) async -> Bool {
        let transitions = environment.transitions
        let isKept = await persistently(place) { () async throws(SagaError) in
            try await letter.write(
                to: transitions.redis, names: transitions.names, service: transitions.service,
                timeToLive: environment.configuration.ledgerTimeToLive)
        }
        guard isKept else { return false }
        environment.metrics.deadLetter()
        environment.logger.error(
            "event became a dead letter",
            metadata: [
                "stream": "\(letter.stream)", "entry": "\(letter.id)",
                "reason": "\(letter.reason.rawValue)", "error": "\(letter.error)",
                "attempts": "\(letter.attempts)",
            ])
        return true
    }

    private func block(
        _ entry: HeldEntry, at step: String, _ place: Dispatcher.Place
    ) async -> Bool {
        guard case .event(let event) = entry.content else { return true }
        let isMarked = await persistently(place) { () async throws(SagaError) in
            try await environment.transitions.block(
                event.correlationID, step: step, eventID: event.id)
        }
        guard isMarked else { return false }
        environment.metrics.sagaBlocked()
        environment.logger.error(
            "saga is blocked and waits for a person",
            metadata: ["saga": "\(event.correlationID)", "step": "\(step)", "event": "\(event.id)"])
        return true
    }

    /// Tries until it works, and again what may have been done: all of it may be done twice.
    private func persistently(
        _ place: Dispatcher.Place, _ body: () async throws(SagaError) -> Void
    ) async -> Bool {
        var attempts = 0
        while true {
            do {
                try await body()
                return true
            } catch {
                if error.code == .stopped || Task.isCancelled { return false }
                attempts += 1
                environment.logger.warning(
                    "a dead letter cannot be kept yet", metadata: ["error": "\(error)"])
                let duration = environment.configuration.retry.pause(
                    after: attempts, random: Double.random(in: 0...1))
                guard await place.pause(duration) else { return false }
            }
        }
    }
}
