/// What one participant could not do yet, and will do.
///
/// Compensations, finishes, the undoing of what nobody knows: each is parked in its saga's ledger,
/// outside every stream.
///
///     entry fails for too long ──park──▶ owed in the ledger, due later ──▶ acknowledged
///                                            ▲        │ due
///                     fails again: park ─────┤        ▼
///                                            └── takeDue, by one replica ──▶ done: settle
///
/// - Nothing that is owed is forgotten, or given up: whoever takes it and dies leaves it due
///   again a little later.
/// - A step owes one thing, the first that it was asked for. Whatever settles its state settles
///   all that was asked.
/// - A saga that owes something is blocked, and its ledger is kept without an end.
package protocol SagaDebts: Sendable {
    /// Keeps what could not be done, and what the ledger has to say of it, in one atomic step.
    ///
    /// What the step owes already stays as it is, unless this is another try of it.
    ///
    /// - Parameters:
    ///   - trace: steps that may have acted, and where the saga is blocked from now on.
    ///   - pause: when it is to be tried again.
    /// - Returns: whether the step owed nothing before.
    /// - Throws: as `SagaStore.apply`.
    func park(
        _ debt: Debt, _ trace: DeadLetter.Trace, for pause: Duration, in epoch: StoreEpoch?
    ) async throws(SagaError) -> Bool

    /// Takes up to `count` sagas whose debts are due; nobody else gets them for a while.
    func takeDue(_ count: Int) async throws(SagaError) -> DueDebts

    /// Notes that a debt is paid, or has become a letter.
    ///
    /// - Parameter isDone: whether the saga is blocked at this step no more.
    func settle(_ debt: Debt, isDone: Bool) async throws(SagaError)

    /// Notes that a saga's ledger has moved by itself: if it is blocked no more, it is counted no
    /// more, and what it owes is due now.
    func noteProgress(of sagaID: String) async throws(SagaError)

    /// Whether a step of a participant, of this or any other name, owes something to a saga of a
    /// route, or a letter keeps that saga there.
    ///
    /// - Throws: an error that is not retried if that may not be known here.
    func isBlocked(
        _ sagaID: String, on route: String, at step: String, of participant: String
    ) async throws(SagaError) -> Bool

    /// Lets all that is owed be due now: what kept one of them has ended, perhaps for all.
    func hurry() async throws(SagaError)

    /// Lets what one saga owes be due now.
    func hurry(of sagaID: String) async throws(SagaError)
}

/// Something that a step owes.
///
/// A class, as what holds entries holds one for few of them.
package final class Debt: Sendable {
    package let sagaID: String
    /// The step of the ledger that has to move.
    package let step: String
    /// How often it was parked, this time counted.
    package let tries: Int
    /// The event that asks for it: its type, the entry that brought it, and itself.
    package let type: String
    package let entryID: String
    package let event: [UInt8]
    /// Why it could not be done; one line.
    package let error: String
    /// Since when it is owed, in milliseconds since 1970 by the store's clock; 0 before it is.
    package let since: Int64

    package init(
        sagaID: String, step: String, tries: Int, type: String, entryID: String, event: [UInt8],
        error: String, since: Int64 = 0
    ) {
        self.sagaID = sagaID
        self.step = step
        self.tries = tries
        self.type = type
        self.entryID = entryID
        self.event = event
        self.error = String(error.prefix(Self.errorMaximum).map { $0.isNewline ? " " : $0 })
        self.since = since
    }

    /// The same of a saga that is known by another name.
    func of(_ sagaID: String) -> Debt {
        if sagaID == self.sagaID { return self }
        return Debt(
            sagaID: sagaID, step: step, tries: tries, type: type, entryID: entryID, event: event,
            error: error, since: since)
    }

    private static let errorMaximum = 1000

    /// How long nobody else gets what somebody has taken.
    package static let claim: Duration = .seconds(60)

    /// The field of a ledger that lists the steps that owe something.
    package static let field = "owes"

    /// The field of a ledger that holds what a step owes.
    package static func field(of step: String) -> String { "owes:" + step }

    /// Begins the reason where nobody but a person can go on.
    private static let asksWord = "waits for a person: "

    /// The reason where a person is asked.
    package static func asking(_ question: String) -> String { asksWord + question }

    /// What a person is asked; nil if it is tried again without.
    package var question: String? {
        error.hasPrefix(Self.asksWord) ? String(error.dropFirst(Self.asksWord.count)) : nil
    }

    /// Whether a ledger says that a step waits.
    ///
    /// It names one step at which its saga is blocked. If that one owes nothing it has a letter,
    /// and so may others.
    package static func keeps(_ step: String, blocked: String?, owes: String?) -> Bool {
        let owing = (owes ?? "").split(separator: " ").map(String.init)
        if owing.contains(step) { return true }
        return blocked.map { !owing.contains(LedgerEntry($0).state) } ?? false
    }

    /// What stands in the ledger, behind since when: tries, type and entry; error; event.
    package var textAfterSince: String {
        " \(tries) \(type) \(entryID)\n\(error)\n" + String(decoding: event, as: UTF8.self)
    }

    /// Nil if the text is not a debt.
    package convenience init?(sagaID: String, step: String, text: String) {
        let lines = text.split(separator: "\n", maxSplits: 2, omittingEmptySubsequences: false)
        guard lines.count == 3 else { return nil }
        let words = lines[0].split(separator: " ")
        guard words.count == 4, let since = Int64(words[0]), let tries = Int(words[1]) else {
            return nil
        }
        self.init(
            sagaID: sagaID, step: step, tries: tries, type: String(words[2]),
            entryID: String(words[3]), event: Array(lines[2].utf8), error: String(lines[1]),
            since: since)
    }
}

/// What came of a look at what is owed.
package struct DueDebts: Sendable {
    package var debts: [Debt] = []
    /// How long nothing else will be due, as far as is known; nil if nothing is owed.
    package var rest: Duration?
    /// How many sagas are blocked, whether they owe something or wait for a person.
    package var blocked = 0
    /// How many of them owe something.
    package var owing = 0
    /// How many of these ask a person.
    package var asking = 0
    /// Since when the oldest of them is, in milliseconds since 1970; nil if none is.
    package var oldest: Int64?
    /// The store's own time, in the same milliseconds.
    package var now: Int64 = 0

    package init() {}

    /// How many of those that are blocked stand how.
    package func blocked(_ state: BlockedState) -> Int {
        switch state {
        case .owes: max(0, min(owing, blocked) - asking)
        case .asks: min(asking, blocked)
        case .letter: max(0, blocked - owing)
        }
    }
}

/// Why a saga makes no progress.
package enum BlockedState: String, Sendable, CaseIterable {
    /// Something could not be done yet, and is tried again.
    case owes
    /// A person is asked.
    case asks
    /// There is a dead letter, and nothing is tried again.
    case letter
}
