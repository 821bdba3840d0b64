// What an engine asks of the place where sagas stand:
//
//     SagaStore       ledgers, records, and the one atomic step       this file
//     EventTransport  streams, groups, doorbells                      EventTransport.swift
//     SagaTimers      what has to happen later                        SagaTimers.swift
//     SagaDebts       what could not be done yet                      SagaDebts.swift
//     SagaClock       time and chance                                 SagaClock.swift
//
// `StoreContract` in the test kit asks a store for each sentence.

/// Where one participant's ledgers and records stand, and what changes them.
///
///     apply ──▶ ledger as expected? ──▶ every condition? ──▶ ledger, records, timers, events
///                     │ no                    │ no                all of them, or none
///                     ▼                       ▼
///                  refused                 rejected
///
/// - Transitions of one saga are applied one after another; whoever reads between two of them
///   sees all of the first and nothing of the second.
/// - A transition's writes are done in their order: a record that is deleted and then set holds
///   what was set and nothing else. Fields and texts come back as they were set, byte for byte.
/// - What was applied stays, or is lost together with everything that followed.
/// - Nothing here waits for ever: a call that has no answer in time throws.
package protocol SagaStore: Sendable {
    /// Reads the participant's own records.
    var records: any RecordReader { get }

    /// Applies a transition, or nothing of it.
    ///
    /// Its events stand in their streams when this returns. Cancellation does not end the call.
    ///
    /// - Parameter epoch: the only one in which it may be applied; nil for any.
    /// - Returns: `applied` also if the mark's field holds exactly what was to be set: it was this
    ///   transition that did so, in a call whose answer was lost.
    /// - Throws: `unavailable` if nothing was changed and trying again can help; `outcomeUnknown`
    ///   if it may have been applied, when applying one with a mark again is safe;
    ///   `unexpectedState` if the data that it is to change is at fault; `halfApplied` if some of
    ///   it stands, when its ledger says `unknown` and none of its events went out; `epochOver` if
    ///   the epoch has ended; `stopped` if the store was closed.
    func apply(
        _ transition: StoreTransition, in epoch: StoreEpoch?
    ) async throws(SagaError) -> TransitionAnswer

    /// What a saga's ledger holds for some fields.
    ///
    /// - Throws: `unavailable` if it cannot be read now; never an error that blames the event.
    func ledger(of sagaID: String, fields: [String]) async throws(SagaError) -> LedgerLook

    /// What the ledgers of several sagas hold, each for fields of its own, in their order.
    ///
    /// Nil for what could not be looked at; who needs it looks for himself.
    func ledgers(of questions: [(sagaID: String, fields: [String])]) async -> [LedgerLook?]

    /// When the participant's data came to be, in milliseconds since 1970 by the store's clock:
    /// noted now, if it is not yet.
    ///
    /// 0 for data that was there before this was noted at all. Once known it changes only with
    /// the loss of everything.
    ///
    /// - Throws: `unavailable` if the store cannot be asked; `invalidConfiguration` if the data
    ///   is of a version to come.
    func born() async throws(SagaError) -> Int64

    /// Notes in ledgers how their sagas end, all of them together or each by itself.
    ///
    /// A ledger that is not there stays so, unless something may come late: then it notes the end
    /// alone, so that what follows may go too. One whose saga has ended may go some time later, and
    /// the saga's timer with it, unless something is owed or blocked there, or one of its steps is
    /// unknown. Noting it again changes nothing. A ledger that cannot be read is left out.
    ///
    /// - Throws: as `apply`; then some may be noted.
    func note(_ ends: SagaEndings, in epoch: StoreEpoch?) async throws(SagaError)

    /// Notes what the participant declares, in place of what was noted before.
    ///
    /// - Throws: whatever keeps it from that; nothing depends on it.
    func declare(_ declaration: Declaration) async throws(SagaError)

    /// Whether something may be undone on account of a company's books: of `limit` different keys
    /// within an hour, by all processes together. One that was counted already may be again.
    ///
    /// - Throws: `unavailable` if the store cannot be asked.
    func mayUndo(_ key: String, atMost limit: Int) async throws(SagaError) -> Bool

    /// Keeps a dead letter, unless its entry has one already, and what the ledger has to say
    /// of it, in one atomic step.
    ///
    /// A ledger field that holds what the trace expects is set; a blocked saga's ledger is kept
    /// without an end.
    ///
    /// - Returns: what the ledger held before, for each step of the trace; nothing of a ledger
    ///   that cannot be read.
    /// - Throws: as `apply`.
    @discardableResult
    func keep(
        _ letter: DeadLetter, _ trace: DeadLetter.Trace?, in epoch: StoreEpoch?
    ) async throws(SagaError) -> [LedgerEntry]

    /// What a person finds a saga's ledger by.
    func name(ofLedger sagaID: String) -> String
}

/// The ends of sagas that one participant has heard of.
package struct SagaEndings: Sendable {
    package var ends: [SagaEnd]
    /// The participant's steps.
    package var steps: [String]
    /// The event of the timer that ends with a saga, if it has one.
    package var timer: String?
    /// Whether one of the steps may yet run for a saga that has ended without it.
    package var mayComeLate: Bool

    package init(
        _ ends: [SagaEnd], steps: [String], timer: String? = nil, mayComeLate: Bool = false
    ) {
        self.mayComeLate = mayComeLate
        self.ends = ends
        self.steps = steps
        self.timer = timer
    }
}
