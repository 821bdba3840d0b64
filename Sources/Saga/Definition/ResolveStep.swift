/// What a person asks of a service whose step waits for an answer: an entry of its stream `again`.
///
/// A CloudEvent of type `ResolveStep` whose subject and `correlationid` are the saga. Its data is
/// `{"step":"charge","outcome":"done","reason":"the bank's statement shows it"}`; `outcome` is
/// `done` or `undone`. The first one for a step counts.
package struct ResolveStep: SagaEvent {
    /// Who asks; the stream is of the one who is asked.
    package static let owner = "troupe"

    /// The step.
    package var step: String
    /// What is the case.
    package var outcome: PersonalWord
    /// How the person knows; in a line.
    package var reason: String

    package init(step: String, outcome: PersonalWord, reason: String) {
        self.step = step
        self.outcome = outcome
        self.reason = reason
    }
}
