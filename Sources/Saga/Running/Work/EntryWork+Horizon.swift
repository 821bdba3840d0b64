import CloudEvents

/// What is not concluded from a ledger that is not there.
extension EntryWork {
    /// Throws `too_old` unless a ledger of the event's saga would have to be there.
    ///
    /// - Parameter look: the one that found nothing; nil if nobody looked, as on the assumption
    ///   that a step has not run.
    func expectKnowable(_ look: LedgerLook?) async throws(Interruption) {
        let known = look == nil ? environment.birth.known(for: event.time) : look?.born
        try await expectKnowable(since: known)
    }

    /// The same for an owner that does not know the saga: only its own is for it to judge.
    ///
    /// - Parameters:
    ///   - route: the one that the event says it is on.
    ///   - margin: how far the clock of whoever dated the event may be ahead of the store's.
    func expectKnowable(
        route: String?, margin: Duration = .zero
    ) async throws(Interruption) {
        guard route == environment.plan.route else {
            throw .dead(.contradiction, "no such saga was begun here", attempts: 1)
        }
        try await expectKnowable(since: nil, margin: margin)
    }

    /// - Parameter known: when the data came to be; asked for if nil.
    private func expectKnowable(
        since known: Int64?, margin: Duration = .zero
    ) async throws(Interruption) {
        let born: Int64
        if let known {
            born = known
        } else {
            born = try await untilAnswered { () async throws(SagaError) in
                try await environment.birth.ask()
            }
        }
        let kept = environment.ports.transport.time(ofEntry: entryID)
        guard
            environment.horizon(since: born).covers(
                made: event.time, kept: kept, margin: margin)
        else {
            throw .dead(
                .tooOld,
                "the event is from before what the ledgers can tell, so nothing was done; see "
                    + "whether its saga has ended long ago, or its data was lost",
                attempts: 0)
        }
    }
}

extension LifecycleInput {
    /// Whether it comes from somebody who has done something for the saga.
    var speaksOfASaga: Bool {
        switch self {
        case .pivot, .heard, .failedOnOldRoute: true
        case .begin, .request, .timeIsUp, .waitsOn, .unknownSaga, .missing, .nothingFinal,
            .finalUnknown, .unclaimed:
            false
        }
    }
}
