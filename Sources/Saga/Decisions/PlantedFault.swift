/// A mistake for a simulation to find: each leaves out one rule of the engine, of the store in
/// memory, or of the contract with companies.
///
/// What a simulator finds shows which rules it would miss. A release build has none of this:
/// there `isPlanted` is false and costs nothing.
package enum PlantedFault: String, CaseIterable, Sendable {

    // MARK: - The life of a saga

    /// A failure event cancels its saga, but does not count as its sender's answer.
    case failureIsNoAnswer
    /// An answer that overtakes its question is forgotten.
    case earlyAnswerLost
    /// What completes a saga completes one that is being cancelled, too.
    case completesWhileCancelling
    /// A saga is cancelled at a client's request although it has completed.
    case cancelledAfterPivot
    /// A saga counts as cancelled before anybody has answered.
    case awaitsNobody
    /// Who has not answered is not asked again.
    case nobodyAsksAgain
    /// A saga begins without its deadline.
    case deadlineLost
    /// The owner of a cancelled saga says nothing to who holds something of it.
    case unclaimedUnanswered

    // MARK: - Steps

    /// A compensation that comes first is answered, and leaves no tombstone.
    case noTombstone
    /// Who was asked to undo answers once, and not again.
    case answersOnlyOnce
    /// The last leg before the pivot counts as the pivot: it is not undone.
    case lastLegIsPivot
    /// A step whose event comes again after it was cancelled does not take back what it did.
    case noTakeBack
    /// A step that the ledger refuses when it has acted does not take back what it did.
    case noTakeBackAfterRefusal
    /// A reason of the business hides that an earlier try has acted.
    case failureHidesUnknown
    /// An entry that was delivered before is worked on as if it were new.
    case deliveredBeforeIgnored
    /// A step that gives up counts as failed, without `unknown` and without an undo.
    case givingUpCountsAsFailed
    /// A step that gives up is acknowledged, and its ledger says nothing.
    case givingUpLeavesNoTrace

    /// A step that was not needed does not answer when it is to be undone.
    case skippedIsNoAnswer
    /// A step that was not needed does not say so to who waits for it to finish.
    case skippedHasNothingToSay
    /// A step runs although it is not needed.
    case conditionIgnored

    // MARK: - Keys of calls to companies

    /// An undo goes under the key of what it undoes.
    case undoUnderDoKey
    /// Each try of a step has a key of its own.
    case doKeyOfEachTry
    /// Each try of what undoes or completes a step has a key of its own.
    case undoKeyOfEachTry
    /// A company does what it has undone before.
    case undoDoesNotBlock
    /// A company cannot undo, and says that it did.
    case undoIsImpossible

    // MARK: - Books

    /// Nobody compares the books of companies with the ledgers.
    case noReconciliation
    /// What was undone and stands all the same is not undone once more.
    case notUndoneOnceMore
    /// What no ledger knows is undone at once, and the owner of its saga is not asked.
    case undoneUnasked

    // MARK: - What a ledger that is not there proves

    /// A saga without a ledger never began, however long ago that would have been.
    case horizonIgnored
    /// A saga without a ledger never began, though it may have before the store's data came to be.
    case birthIgnored

    // MARK: - Delivery

    /// An entry is acknowledged before its transition.
    case acknowledgedFirst
    /// Streams are read when a doorbell rings, and not otherwise.
    case doorbellTrusted
    /// Nobody takes over what a process has left behind.
    case nobodyTakesOver
    /// A group that is missing begins at the end of its stream.
    case groupsBeginAtTheEnd
    /// What a group that is made again delivers once more counts as new.
    case redeliveredCountsAsNew
    /// An entry becomes a dead letter after some deliveries, whoever died of whatever meanwhile.
    case deliveriesCountAsDeaths
    /// What was read from data that the store has lost is brought to its end.
    case epochsIgnored

    // MARK: - The atomic step

    /// A transition is applied whatever the ledger holds.
    case noLedger
    /// A transition writes before its conditions are checked.
    case writesBeforeChecks
    /// Conditions are not checked in the step that writes.
    case conditionsUnchecked
    /// Records and events are written in one step, the ledger in another.
    case ledgerInASecondStep
    /// A ledger's life is counted from its birth, while its saga goes on.
    case ledgersExpireAtBirth

    // MARK: - Planting

    #if DEBUG
        @TaskLocal private static var planted: PlantedFault?
    #endif

    /// Whether faults can be planted in this build.
    package static var canBePlanted: Bool {
        #if DEBUG
            true
        #else
            false
        #endif
    }

    /// Whether a fault is planted for the present task.
    package static func isPlanted(_ fault: PlantedFault) -> Bool {
        #if DEBUG
            planted == fault
        #else
            false
        #endif
    }

    /// Plants a fault for all that a body calls, the tasks that it makes included.
    package static func plant<Value>(
        _ fault: PlantedFault?, for body: () throws -> Value
    ) rethrows -> Value {
        #if DEBUG
            try $planted.withValue(fault, operation: body)
        #else
            precondition(fault == nil, "faults are planted in debug builds only")
            return try body()
        #endif
    }
}
