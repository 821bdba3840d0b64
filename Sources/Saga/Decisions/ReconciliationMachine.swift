/// What is to be done about something that a company holds for us; pure.
///
///     the ledger says        it can be undone           it stands for good
///     ──────────────         ────────────────           ──────────────────
///     done, finished,
///     unknown                nothing                    nothing
///     failed, tombstone,
///     skipped, compensated   undo it once more          show it to a person
///     nothing                ask the owner              tell the owner, and show it
///     nothing, and it is older than ledgers or the store's data: show it to a person
///
/// What the company has undone and the ledger calls done is in doubt: it may be just about to be
/// noted, or the store has lost that it was undone, and the saga goes on without it. Who sees it
/// twice shows it.
///
/// A ledger that is not there proves nothing about the saga, so nothing is undone on its account:
/// only the owner can tell whether the saga is cancelled, and if it is, asks all to undo. That
/// writes a tombstone, upon which the next look undoes.
package enum ReconciliationMachine {
    package enum Verdict: Hashable, Sendable {
        case nothing
        case undo
        case ask
        case doubt
        /// Tell the owner that it stands for good, and show it.
        case tell
        case show
    }

    /// - Parameters:
    ///   - state: what the ledger says of the step.
    ///   - isCovered: whether a ledger would have to be there.
    package static func verdict(
        on standing: OutsideEntry.Standing, in state: StepState, isCovered: Bool
    ) -> Verdict {
        switch (standing, state) {
        case (.undone, .done), (.undone, .finished): .doubt
        case (.undone, _), (_, .done), (_, .finished), (_, .unknown): .nothing
        case (.standing, .failed), (.standing, .tombstone), (.standing, .compensated),
            (.standing, .skipped):
            PlantedFault.isPlanted(.notUndoneOnceMore) ? .nothing : .undo
        case (.standing, .absent) where PlantedFault.isPlanted(.undoneUnasked):
            isCovered ? .undo : .show
        case (.standing, .absent): isCovered ? .ask : .show
        case (.final, .absent): isCovered ? .tell : .show
        case (.final, .failed), (.final, .tombstone), (.final, .compensated), (.final, .skipped):
            .show
        }
    }
}
