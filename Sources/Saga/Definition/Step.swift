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
/// - `undo` is also called when `perform` may have acted outside but its outcome may not stand:
///   it gave up, it failed after a try whose end nobody knows, a condition of what it returned
///   did not hold, or its compensation had come first. Its changes and its event are dropped
///   then. So it has to bear that nothing stands.
/// - `whenUnknown` says if something else is to become of a step that gave up: see
///   ``UnknownOutcome``.
/// - A condition that does not hold fails a forward step with the condition's failure.
/// - A step that works on its own records alone says so by `actsOutside: false`: then nothing
///   happened unless its transition was applied, and none of that is needed.
public struct Step: Sendable {
    /// The step's name, unique in its participant.
    ///
    /// It is part of the ledger and of idempotency keys: never change it while sagas run.
    public var name: String { shared.content.name }

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

    package typealias Fail =
        @Sendable (BusinessFailure, StepContext) throws -> PlannedTransition

    package typealias JoinedDecoder =
        @Sendable (_ payloads: JoinedPayloads) throws(SagaError) -> Bound

    /// What it waits for: all of them.
    package var triggers: [EventKind] { shared.content.triggers }
    /// What is said in place of some of them, by their types, by legs that are not needed.
    package var substitutes: [String: EventKind] { shared.content.substitutes }
    /// When it is needed; always if there is none.
    package var condition: RouteCondition? { shared.content.condition }
    package var success: EventKind { shared.content.success }

    /// Whether what has come makes it needed.
    package func isNeeded(_ payloads: JoinedPayloads) throws(SagaError) -> Bool {
        guard let condition, !PlantedFault.isPlanted(.conditionIgnored) else { return true }
        return try condition.holds(payloads)
    }
    package var failure: EventKind { shared.content.failure }
    package var decode: JoinedDecoder { shared.content.decode }
    package var fail: Fail { shared.content.fail }
    package var giveUpAfter: Duration? { shared.content.giveUpAfter }
    package var atMost: Int? { shared.content.atMost }
    package var actsOutside: Bool { shared.content.actsOutside }
    package var unknown: Unknown { shared.content.unknown }
    package var company: OutsideCompany? { shared.content.company }
    package var compensations: [Compensation] { shared.content.compensations }
    package var needsCompensation: Bool { shared.content.needsCompensation }
    package var finishes: [Finish] { shared.content.finishes }
    package var reconciliation: Reconciliation? { shared.content.reconciliation }

    struct Content {
        var name: String
        var triggers: [EventKind]
        var success: EventKind
        var failure: EventKind
        var decode: JoinedDecoder
        var fail: Fail
        var giveUpAfter: Duration?
        var atMost: Int?
        var actsOutside: Bool
        var unknown = Unknown.compensate
        var company: OutsideCompany?
        var substitutes: [String: EventKind] = [:]
        var condition: RouteCondition?
        var compensations: [Compensation] = []
        var needsCompensation = true
        var finishes: [Finish] = []
        var reconciliation: Reconciliation?
    }

    /// Where to look for what no ledger knows, and how to ask about it.
    package struct Reconciliation: Sendable {
        package var books: any OutsideBooks
        package var asking: RouteUnclaimed
        /// The event upon which it tells the saga's owner what the books hold.
        package var inquiry: EventKind
    }

    private final class Shared: Sendable {
        let content: Content

        init(_ content: Content) {
            self.content = content
        }
    }

    /// A step is passed on at every event and never changes, so its copies share it.
    private let shared: Shared

    init(_ content: Content) {
        shared = Shared(content)
    }

    private func with(_ change: (inout Content) -> Void) -> Step {
        var content = shared.content
        change(&content)
        return Step(content)
    }

    /// Declares a step.
    ///
    /// - Parameters:
    ///   - name: unique in the participant, `charge`.
    ///   - trigger: the event that starts it.
    ///   - success: the event that says it succeeded.
    ///   - giveUpAfter: how long it is tried before its outcome counts as unknown; if nil, what
    ///     the runtime's configuration says. Only tries count that have run, and sent something.
    ///   - atMost: how many of its blocks, what undoes and completes it too, run at once in a
    ///     process; if nil, as many as events are worked on. The others wait in the order in which
    ///     they came: that is not an attempt, and its time does not count. No more than whatever
    ///     the step calls can take at once, as the connections of its client. One that goes on for
    ///     ten seconds after it was cancelled lets another one begin.
    ///   - company: whom its blocks call; if nil, they are not counted.
    ///   - actsOutside: whether `perform` touches anything but the participant's own records.
    ///   - unknown: what becomes of it if it has been tried for this long, and nobody knows whether
    ///     it has acted.
    ///   - failed: makes the failure event. Pure: it may be called again.
    ///   - perform: does the work; throws a `BusinessFailure` if it cannot be done.
    public init<Input: SagaEvent, Success: SagaEvent, Failure: FailureEvent>(
        _ name: String,
        on trigger: Input.Type,
        emits success: Success.Type,
        giveUpAfter: Duration? = nil,
        atMost: Int? = nil,
        calls company: OutsideCompany? = nil,
        actsOutside: Bool = true,
        whenUnknown unknown: UnknownOutcome<Input, Success> = .compensate,
        orElse failed:
            @escaping @Sendable (BusinessFailure, StepContext) throws -> Transition<Failure>,
        perform: @escaping @Sendable (Input, StepContext) async throws -> Transition<Success>
    ) {
        let failure = EventKind(Failure.self)
        self.init(
            Content(
                name: name, triggers: [EventKind(trigger)], success: EventKind(success),
                failure: failure,
                decode: Self.decoder(JoinedPayloadReader.only, perform),
                fail: { try PlannedTransition(failed($0, $1), failure) },
                giveUpAfter: giveUpAfter, atMost: atMost, actsOutside: actsOutside,
                unknown: Self.unknown(unknown, JoinedPayloadReader.only), company: company))
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
        with {
            $0.compensations.append(
                Compensation(
                    triggers: triggers.map { EventKind($0) }, answer: EventKind(answer),
                    undo: { try PlannedTransition(await undo($0)) },
                    nothingToUndo: { try PlannedTransition(nothingToUndo($0)) },
                    giveUpAfter: giveUpAfter))
        }
    }

    /// Declares that the step has no effect that would have to be undone.
    public func needsNoCompensation() -> Step {
        with { $0.needsCompensation = false }
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
        with {
            $0.finishes.append(
                Finish(
                    trigger: EventKind(trigger), emits: EventKind(output),
                    decode: Self.decoder(finish)))
        }
    }

    /// Declares what completes the step once its saga has passed the pivot, without an event.
    ///
    /// What it changes must not be kept by anybody else, as a gateway's cache: nobody hears of it.
    public func finished<Input: SagaEvent>(
        by trigger: Input.Type,
        _ finish: @escaping @Sendable (Input, StepContext) async throws -> Changes
    ) -> Step {
        with {
            $0.finishes.append(
                Finish(
                    trigger: EventKind(trigger), emits: nil,
                    decode: Self.silentDecoder(finish)))
        }
    }

    static func silentDecoder<Input: SagaEvent>(
        _ finish: @escaping @Sendable (Input, StepContext) async throws -> Changes
    ) -> Decoder {
        { data throws(SagaError) in
            let input = try EventPayload.decode(Input.self, from: data)
            return { PlannedTransition(changes: try await finish(input, $0)) }
        }
    }

    static func decoder<Input: Sendable, Output: SagaEvent>(
        _ read: @escaping @Sendable (JoinedPayloads) throws(SagaError) -> Input,
        _ body: @escaping @Sendable (Input, StepContext) async throws -> Transition<Output>
    ) -> JoinedDecoder {
        let kind = EventKind(Output.self)
        return { payloads throws(SagaError) in
            let input = try read(payloads)
            return { try PlannedTransition(await body(input, $0), kind) }
        }
    }

    static func decoder<Input: SagaEvent, Output: SagaEvent>(
        _ body: @escaping @Sendable (Input, StepContext) async throws -> Transition<Output>
    ) -> Decoder {
        let kind = EventKind(Output.self)
        return { data throws(SagaError) in
            let input = try EventPayload.decode(Input.self, from: data)
            return { try PlannedTransition(await body(input, $0), kind) }
        }
    }
}
