/// What became of something that another service was asked for.
public enum Submission<Answer> {
    /// It was done.
    case accepted(Answer)
    /// It will not be done.
    case refused(Refusal)
}

extension Submission: Sendable where Answer: Sendable {}

/// An answer by which a service says, as its documentation has it, that it will not do something.
public struct DocumentedRefusal: Hashable, Sendable {
    private let status: Int
    /// Nil if it needs none.
    private let codes: Set<String>?

    /// Every answer of this status.
    public static func status(_ status: Int) -> DocumentedRefusal {
        DocumentedRefusal(status: status, codes: nil)
    }

    /// Answers of this status with one of these codes.
    public static func status(_ status: Int, codes: Set<String>) -> DocumentedRefusal {
        DocumentedRefusal(status: status, codes: codes)
    }

    func matches(_ status: Int, _ code: String?) -> Bool {
        guard status == self.status else { return false }
        guard let codes else { return true }
        return code.map(codes.contains) ?? false
    }
}

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
