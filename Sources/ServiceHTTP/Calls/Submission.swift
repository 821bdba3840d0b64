/// What became of something that another service was asked for.
public enum Submission<Answer> {
    /// It was done.
    case accepted(Answer)
    /// It will not be done.
    case refused(Refusal)
}

extension Submission: Sendable where Answer: Sendable {}

/// Why another service refused.
public struct Refusal: Hashable, Sendable {
    /// Its reason in snake_case; nil if it gave none or finds the request itself at fault.
    public var reason: String?
    /// Its reason in a sentence, if it gave one.
    public var detail: String?

    init(_ answer: JSONAnswer) {
        let problem = answer.problem
        reason = answer.status == 400 ? nil : problem?.code
        detail = problem?.detail
    }
}
