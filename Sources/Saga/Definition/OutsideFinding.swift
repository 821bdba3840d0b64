/// Something that a company holds for a participant, and what is to be done about it.
public struct OutsideFinding: Sendable {
    /// Who had it done.
    public var participant: String
    /// The step that did it.
    public var step: String
    /// The saga that its key names.
    public var sagaID: String
    /// What stands there.
    public var entry: OutsideEntry
    package var verdict: ReconciliationMachine.Verdict

    /// Whether nothing can be done about it by itself.
    public var needsAPerson: Bool { verdict == .show || verdict == .tell }

    /// What is to be done, in a sentence.
    public var advice: String {
        switch verdict {
        case .nothing: "it is in order"
        case .ask: "no ledger knows it; the owner of its saga is asked"
        case .undo: "its saga has failed or was cancelled, and it stands all the same; it is undone"
        case .doubt:
            "the company has undone it, and the ledger says that it stands; if that is still so in "
                + "a minute, a person has to look"
        case .tell:
            "it stands for good, and no ledger knows it; the owner of its saga is told, so that "
                + "the rest of it stands too, and a person has to look"
        case .show where entry.standing == .final:
            "it stands for good, and no ledger says that it was done; a person has to look"
        case .show:
            "no ledger knows it, and none would have to: it is from before the data in Redis or "
                + "its first minute, older than ledgers are kept, or of the future; a person has "
                + "to look"
        }
    }
}

/// What came of comparing books with ledgers.
public struct OutsideReport: Sendable {
    /// What is not in order.
    public var findings: [OutsideFinding]
    /// What could not be done about it.
    public var failures: [OutsideFailure]
    /// Why some books could not be read; a sentence for each.
    public var unread: [String] = []

    /// A report; two of them are one behind the other.
    public init(findings: [OutsideFinding] = [], failures: [OutsideFailure] = []) {
        self.findings = findings
        self.failures = failures
    }

    /// Both together.
    public static func + (one: OutsideReport, other: OutsideReport) -> OutsideReport {
        OutsideReport(
            findings: one.findings + other.findings, failures: one.failures + other.failures)
    }
}

/// Something that could not be done about a finding.
public struct OutsideFailure: Sendable {
    /// What it is about.
    public var finding: OutsideFinding
    /// Why, in a sentence.
    public var reason: String
}
