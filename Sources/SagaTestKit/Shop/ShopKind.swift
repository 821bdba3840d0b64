package import Saga

/// What goes wrong in a simulated shop.
package enum ShopKind: String, CaseIterable, Sendable {
    /// Nothing.
    case calm
    /// Processes stand still for up to two seconds, again and again, so that events overtake one
    /// another.
    case slow
    /// Whatever leaves the store's data as it is: processes that die, stand still or are replaced,
    /// outages, lost answers, doorbells and entries, events that come again, clocks that jump.
    case faulty
    /// The store goes back by up to a second again and again, and is away for longer than what is
    /// left of a deadline.
    case forgetful
    /// Entries are lost even after somebody has acted on them, which only the books of companies
    /// tell.
    case lossy
    /// As `faulty`, where nobody can compare the books of companies with the ledgers.
    case bookless
    /// As `faulty`, with a bank that answers seldom, and is asked whether it has charged.
    case asking

    /// What it is, in a line.
    package var summary: String {
        switch self {
        case .calm: "nothing goes wrong"
        case .slow: "processes stand still for a while, and nothing else"
        case .faulty: "everything goes wrong but what the other kinds are for"
        case .forgetful: "the store goes back by up to a second, and is away for long"
        case .bookless: "as faulty, where the books of companies cannot be read"
        case .asking: "as faulty, with a bank that answers seldom and is asked what it did"
        case .lossy: "entries are lost after somebody has acted on them"
        }
    }

    var faults: SimulationFaults {
        var faults = SimulationFaults()
        switch self {
        case .calm:
            return .none
        case .slow:
            faults = .none
            faults.pauses = 2
            faults.pause = .seconds(2)
        case .faulty, .bookless, .asking:
            // What is lost once somebody has acted on it, only the books can tell; and what they
            // hold may seem to be of the future for hours, where clocks jump.
            faults.keptOnceRead = [
                "OrderCreated", "ProductReserved", "GiftWrapped", "WrappingSkipped",
                "RenewalAsked",
            ]
            if self == .asking {
                faults.hangs = 0.4
                faults.lateCalls = 0.3
                faults.lostAnswer = 0.01
                faults.keysInUse = 0.1
                // Several replicas are at the same event then.
                faults.repetitions = 3
                faults.vanishings = 0.5
            }
            guard self == .bookless else { break }
            // Whether a first try has acted is known to nobody then, most of the time.
            faults.crashAfter = 0.002
            faults.keysInUse = 0.5
            faults.vanishings = 1
        case .forgetful:
            faults.rollbacks = 0.2
            faults.losses = 0
            faults.clockJumps = 0
            faults.outage = .seconds(40)
        case .lossy:
            faults.clockJumps = 0
            faults.losses = 1
            faults.vanishings = 1
        }
        return faults
    }
}

extension PlantedFault {
    /// What has to go wrong besides for it to show.
    package var kind: ShopKind {
        switch self {
        case .cancelledAfterPivot, .noTombstone, .undoUnderDoKey, .conditionsUnchecked,
            .writesBeforeChecks, .conditionIgnored, .skippedIsNoAnswer, .skippedHasNothingToSay:
            .calm
        case .earlyAnswerLost:
            .slow
        case .completesWhileCancelling, .failureIsNoAnswer, .awaitsNobody, .doKeyOfEachTry,
            .noLedger, .ledgerInASecondStep, .ledgersExpireAtBirth:
            .faulty
        case .noTakeBack, .noTakeBackAfterRefusal, .failureHidesUnknown,
            .deliveredBeforeIgnored, .givingUpCountsAsFailed, .givingUpLeavesNoTrace,
            .undoKeyOfEachTry, .undoDoesNotBlock, .undoIsImpossible, .acknowledgedFirst,
            .doorbellTrusted, .nobodyTakesOver, .redeliveredCountsAsNew:
            .bookless
        case .nobodyAsksAgain, .deadlineLost, .answersOnlyOnce, .noReconciliation,
            .groupsBeginAtTheEnd:
            .lossy
        case .unclaimedUnanswered, .notUndoneOnceMore:
            .forgetful
        }
    }
}
