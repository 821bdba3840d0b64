/// What becomes of a step that has been tried for `giveUpAfter`, and nobody knows whether it has
/// acted outside.
///
///     .compensate          it is undone, and has failed
///     .askFirst { … }      whoever it called is asked, and the step goes on accordingly
///     .park("…") { … }     a person is asked
///
/// It may be changed between two versions of a program, but not while replicas of both run.
public struct UnknownOutcome<Input: Sendable, Success: SagaEvent>: Sendable {
    /// Asks whoever the step called whether it took effect, by the step's key.
    public typealias Query =
        @Sendable (Input, StepContext) async throws -> OutsideAnswer<Success>
    /// Makes of what started the step what it would have returned.
    public typealias Result =
        @Sendable (Input, StepContext) async throws -> Transition<Success>

    enum Content: Sendable {
        case compensate
        case askFirst(Query)
        case park(String, Result)
    }

    let content: Content

    private init(_ content: Content) {
        self.content = content
    }

    /// It is undone, and its failure event says `outcome_unknown`.
    public static var compensate: Self { Self(.compensate) }

    /// Whoever it called is asked first.
    ///
    /// - `acted`: the step succeeded, with this event.
    /// - `didNotAct`: it is performed again, under the same key. An earlier call that arrives later
    ///   is the same call to whoever keeps to the contract of keys, so this is safe even if the
    ///   answer was given while that was on its way.
    /// - `cannotSay`, and any error: it is asked again, for ever and with a growing pause, and
    ///   shown as blocked.
    /// - A `BusinessFailure`: what may stand is undone, and the step has failed for this reason.
    ///
    /// A cancellation does not wait for an answer: then it is undone.
    public static func askFirst(_ query: @escaping Query) -> Self { Self(.askFirst(query)) }

    /// A person is asked, and it stays as it is until one has answered.
    ///
    /// It is shown as blocked with its question. Neither a deadline nor a cancellation undoes it:
    /// they wait. The answer is a request in the service's stream `again`, as `troupe saga resolve`
    /// makes it; the first one counts.
    /// - done: the step has succeeded with what `done` returns; if its saga is being cancelled, it
    ///   is undone instead.
    /// - undone: the person vouches that nothing of it stands, or will. Nothing is called; the step
    ///   has failed, for the reason `declared_undone`.
    ///
    /// A failure for a reason of the business after a try without an end is not a question: it
    /// is undone, as always. A cancellation does not interrupt a try of such a step, as that would
    /// make its outcome unknown.
    ///
    /// - Parameters:
    ///   - question: what a person has to find out, in a line.
    ///   - done: makes what the step would have returned. It may look it up.
    public static func park(_ question: String, done: @escaping Result) -> Self {
        Self(.park(question, done))
    }
}

/// What somebody answers who is asked whether a step has acted.
public enum OutsideAnswer<Success: SagaEvent>: Sendable {
    /// It has, and this is what the step would have returned.
    case acted(Transition<Success>)
    /// It has not, as far as is known.
    case didNotAct
    /// It may be under way, or it is not known.
    case cannotSay
}

extension Step {
    /// The same, without the types.
    package enum Unknown: Sendable {
        case compensate
        case askFirst(
            @Sendable (_ payloads: JoinedPayloads) throws(SagaError) ->
                @Sendable (StepContext) async throws -> PlannedAnswer)
        case park(question: String, done: JoinedDecoder)

        package var policy: UnknownPolicy {
            switch self {
            case .compensate: .compensate
            case .askFirst: .askFirst
            case .park: .park
            }
        }
    }

    /// An answer, without its type.
    package enum PlannedAnswer: Sendable {
        case acted(PlannedTransition)
        case didNotAct
        case cannotSay
    }

    static func unknown<Input: Sendable, Success: SagaEvent>(
        _ outcome: UnknownOutcome<Input, Success>,
        _ read: @escaping @Sendable (JoinedPayloads) throws(SagaError) -> Input
    ) -> Unknown {
        switch outcome.content {
        case .compensate: return .compensate
        case .park(let question, let done):
            return .park(question: question, done: decoder(read, done))
        case .askFirst(let query):
            let kind = EventKind(Success.self)
            return .askFirst { payloads throws(SagaError) in
                let input = try read(payloads)
                return { context in
                    switch try await query(input, context) {
                    case .acted(let transition):
                        return .acted(try PlannedTransition(transition, kind))
                    case .didNotAct: return .didNotAct
                    case .cannotSay: return .cannotSay
                    }
                }
            }
        }
    }
}
