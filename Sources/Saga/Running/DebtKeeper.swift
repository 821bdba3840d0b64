import CloudEvents
import Logging
import Synchronization

/// Has what could not be done yet tried again, and shows how much of that there is.
///
///     takeDue ─▶ an entry as it was read ─▶ Dispatcher ─▶ EntryWork ─▶ settled, or parked again
struct DebtKeeper: Sendable {
    private static let batchMaximum = 64
    /// The longest look away, and so the most that something parked meanwhile can be late.
    private static let pauseMaximum: Duration = .seconds(1)
    private static let pauseMinimum: Duration = .milliseconds(10)

    let environment: WorkEnvironment
    let dispatcher: Dispatcher
    let logger: Logger
    let pause: Pause
    private let bell = Bell()

    init(
        _ environment: WorkEnvironment, _ dispatcher: Dispatcher, _ pause: Pause, _ logger: Logger
    ) {
        self.pause = pause
        self.environment = environment
        self.dispatcher = dispatcher
        self.logger = logger
    }

    func run(while isRunning: @Sendable () -> Bool) async {
        var rest = Duration.zero
        while isRunning() {
            do throws(SagaError) {
                // Who has nothing due takes no slots.
                let look = try await environment.ports.debts.takeDue(0)
                environment.metrics.blocked(look)
                environment.isAnyBlocked.store(look.blocked > 0, ordering: .relaxed)
                rest = look.rest ?? Self.pauseMaximum
                if rest == .zero { rest = pause.isOn ? Self.pauseMaximum : try await work() }
                environment.transitions.health.debts(nil)
            } catch {
                environment.transitions.health.debts(error)
                rest = Self.pauseMaximum
                if environment.transitions.health.isNews("debts \(error.message)") {
                    logger.warning(
                        "what is parked cannot be looked at", metadata: ["error": "\(error)"])
                }
            }
            let wait = min(max(rest, Self.pauseMinimum), Self.pauseMaximum)
            guard (try? await environment.clock.sleep(for: wait)) != nil else { return }
        }
    }

    /// Takes what there are slots for, and returns when to look again.
    private func work() async throws(SagaError) -> Duration {
        // What is parked again holds nothing up for long.
        let reserved = dispatcher.reserve(
            upTo: Self.batchMaximum, callsOutside: false, orRing: bell)
        guard reserved > 0 else { return Self.pauseMaximum }
        let epoch = environment.ports.transport.epoch()
        let due: DueDebts
        do throws(SagaError) {
            due = try await environment.ports.debts.takeDue(reserved)
        } catch {
            dispatcher.giveBack(reserved)
            throw error
        }
        // A saga may owe more than one thing, and a slot was reserved for each saga only.
        let entries = due.debts.prefix(reserved).compactMap { entry($0, epoch) }
        dispatcher.admit(entries)
        dispatcher.giveBack(reserved - entries.count)
        return due.rest ?? Self.pauseMaximum
    }

    /// Nil for what this version does not consume any more: it stays as it is, and is shown.
    private func entry(_ debt: Debt, _ epoch: StoreEpoch) -> HeldEntry? {
        guard let stream = environment.streams.firstIndex(where: { $0.type == debt.type }),
            let event = try? CloudEvent(json: debt.event)
        else {
            if environment.transitions.health.isNews("debt \(debt.type)") {
                logger.error(
                    "what a saga owes cannot be done by this version",
                    metadata: [
                        "saga": "\(debt.sagaID)", "step": "\(debt.step)", "type": "\(debt.type)",
                    ])
            }
            return nil
        }
        // Lists know sagas by names, and events by their IDs.
        return HeldEntry(
            stream: stream, id: debt.entryID, content: .event(event), deliveredBefore: true,
            epoch: epoch, debt: debt.of(event.correlationID))
    }
}
