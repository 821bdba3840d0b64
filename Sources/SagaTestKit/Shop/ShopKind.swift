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
    /// The store goes back again and again, while processes stand still with what they have in
    /// hand, and go on with it later. Nothing else goes wrong, so nothing that it still knows is
    /// late.
    case overtaken
    /// Entries are lost even after somebody has acted on them, which only the books of companies
    /// tell.
    case lossy
    /// As `faulty`, where nobody can compare the books of companies with the ledgers.
    case bookless
    /// As `faulty`, with a bank that answers seldom, and is asked whether it has charged.
    case asking
    /// Nothing, until all orders have come to their ends; then a month goes by, or the store loses
    /// everything, or all that it knows of some orders, and old events come again.
    case aftermath

    /// What it is, in a line.
    package var summary: String {
        switch self {
        case .calm: "nothing goes wrong"
        case .slow: "processes stand still for a while, and nothing else"
        case .faulty: "everything goes wrong but what the other kinds are for"
        case .forgetful: "the store goes back by up to a second, and is away for long"
        case .overtaken: "the store goes back, and processes go on with what they had in hand"
        case .bookless: "as faulty, where the books of companies cannot be read"
        case .asking: "as faulty, with a bank that answers seldom and is asked what it did"
        case .lossy: "entries are lost after somebody has acted on them"
        case .aftermath: "a month goes by, or data is lost, once all has come to its end"
        }
    }

    /// Whether the store goes back, so that what it knew of the last second may be forgotten.
    var goesBack: Bool { self == .forgetful || self == .overtaken }

    var faults: SimulationFaults {
        var faults = SimulationFaults()
        switch self {
        case .calm, .aftermath:
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
        case .overtaken:
            faults = .none
            faults.rollbacks = 1
            faults.standstill = .seconds(2)
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
            .writesBeforeChecks, .conditionIgnored, .skippedIsNoAnswer, .skippedHasNothingToSay,
            .lastLegIsPivot:
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
        case .unclaimedUnanswered, .notUndoneOnceMore, .deliveriesCountAsDeaths:
            .forgetful
        case .epochsIgnored:
            .overtaken
        case .undoneUnasked, .horizonIgnored, .birthIgnored:
            .aftermath
        }
    }
}
