/// One local transaction of a participant, with everything that can become of it.
///
///     started by ──▶ perform ──▶ success event          compensated by ──▶ undo ──▶ answer
///                       │ BusinessFailure                     │ never ran
///                       ▼                                     ▼
///                  failure event                       tombstone, and the same answer
///
/// The rules of the runtime:
/// - `perform` and `undo` may run more than once; what they do outside has to be idempotent
///   under `context.idempotencyKey`, and an undone key must refuse to be done later.
/// - `undo` is also called when `perform` acted outside but its outcome may not stand: it gave
///   up, or its compensation had come first. Its changes and its event are dropped then.
/// - A condition that does not hold fails a forward step with the condition's failure. So a
///   step that acts outside checks before it acts, and has no conditions.
public struct Step: Sendable {
    /// The step's name, unique in its participant.
    ///
    /// It is part of the ledger and of idempotency keys: never change it while sagas run.
    public let name: String

    package typealias Bound = @Sendable (StepContext) async throws -> PlannedTransition
    package typealias Decoder = @Sendable (_ data: [UInt8]) throws(SagaError) -> Bound

    package struct Compensation: Sendable {
        package var triggers: [EventKind]
        package var answer: EventKind
        package var undo: Bound
        package var nothingToUndo: Bound
        package var giveUpAfter: Duration?
    }

    package struct Finish: Sendable {
        package var trigger: EventKind
        package var emits: EventKind?
        package var decode: Decoder
    }

    package let trigger: EventKind
    package let success: EventKind
    package let failure: EventKind
    package let decode: Decoder
    package let fail: @Sendable (BusinessFailure, StepContext) throws -> PlannedTransition
    package let giveUpAfter: Duration?
    package private(set) var compensations: [Compensation] = []
    package private(set) var needsCompensation = true
    package private(set) var finishes: [Finish] = []

    /// Declares a step.
    ///
    /// - Parameters:
    ///   - name: unique in the participant, `charge`.
    ///   - trigger: the event that starts it.
    ///   - success: the event that says it succeeded.
    ///   - giveUpAfter: how long it is tried before its outcome counts as unknown; if nil, what
    ///     the runtime's configuration says.
    ///   - failed: makes the failure event. Pure: it may be called again.
    ///   - perform: does the work; throws a `BusinessFailure` if it cannot be done.
    public init<Input: SagaEvent, Success: SagaEvent, Failure: FailureEvent>(
        _ name: String,
        on trigger: Input.Type,
        emits success: Success.Type,
        giveUpAfter: Duration? = nil,
        orElse failed:
            @escaping @Sendable (BusinessFailure, StepContext) throws -> Transition<Failure>,
        perform: @escaping @Sendable (Input, StepContext) async throws -> Transition<Success>
    ) {
        self.name = name
        self.trigger = EventKind(trigger)
        self.success = EventKind(success)
        self.failure = EventKind(Failure.self)
        self.giveUpAfter = giveUpAfter
        self.decode = Self.decoder(perform)
        let failure = self.failure
        self.fail = { try PlannedTransition(failed($0, $1), failure) }
    }

    /// Declares what undoes the step.
    ///
    /// - Parameters:
    ///   - triggers: the events that make it undo.
    ///   - answer: the event that says so, whether there was something to undo or not.
    ///   - giveUpAfter: how long it is tried before the saga counts as blocked; if nil, what the
    ///     runtime's configuration says.
    ///   - nothingToUndo: makes the answer if the step never ran; it never will, then.
    ///   - undo: undoes the step.
    public func compensated<Answer: SagaEvent>(
        by triggers: [any SagaEvent.Type],
        emits answer: Answer.Type,
        giveUpAfter: Duration? = nil,
        nothingToUndo: @escaping @Sendable (StepContext) throws -> Transition<Answer>,
        undo: @escaping @Sendable (StepContext) async throws -> Transition<Answer>
    ) -> Step {
        var step = self
        step.compensations.append(
            Compensation(
                triggers: triggers.map { EventKind($0) }, answer: EventKind(answer),
                undo: { try PlannedTransition(await undo($0)) },
                nothingToUndo: { try PlannedTransition(nothingToUndo($0)) },
                giveUpAfter: giveUpAfter))
        return step
    }

    /// Declares that the step has no effect that would have to be undone.
    public func needsNoCompensation() -> Step {
        var step = self
        step.needsCompensation = false
        return step
    }

    /// Declares what completes the step once its saga has passed the pivot.
    ///
    /// Only forward from here: it is tried until it succeeds, and blocks the saga if it never
    /// does.
    public func finished<Input: SagaEvent, Output: SagaEvent>(
        by trigger: Input.Type,
        emits output: Output.Type,
        _ finish: @escaping @Sendable (Input, StepContext) async throws -> Transition<Output>
    ) -> Step {
        var step = self
        step.finishes.append(
            Finish(
                trigger: EventKind(trigger), emits: EventKind(output),
                decode: Self.decoder(finish)))
        return step
    }

    /// Declares what completes the step once its saga has passed the pivot, without an event.
    public func finished<Input: SagaEvent>(
        by trigger: Input.Type,
        _ finish: @escaping @Sendable (Input, StepContext) async throws -> Changes
    ) -> Step {
        var step = self
        step.finishes.append(
            Finish(
                trigger: EventKind(trigger), emits: nil,
                decode: { data throws(SagaError) in
                    let input = try EventPayload.decode(Input.self, from: data)
                    return { PlannedTransition(changes: try await finish(input, $0)) }
                }))
        return step
    }

    private static func decoder<Input: SagaEvent, Output: SagaEvent>(
        _ body: @escaping @Sendable (Input, StepContext) async throws -> Transition<Output>
    ) -> Decoder {
        let kind = EventKind(Output.self)
        return { data throws(SagaError) in
            let input = try EventPayload.decode(Input.self, from: data)
            return { try PlannedTransition(await body(input, $0), kind) }
        }
    }
}
