import CloudEvents

/// What is not concluded from a ledger that is not there.
extension EntryWork {
    /// Throws `too_old` unless a ledger of the event's saga would have to be there.
    ///
    /// - Parameter look: the one that found nothing; nil if nobody looked, as on the assumption
    ///   that a step has not run.
    func expectKnowable(_ look: LedgerLook?) async throws(Interruption) {
        let known = look == nil ? environment.birth.known : look?.born
        let born: Int64
        if let known {
            born = known
        } else {
            born = try await untilAnswered { () async throws(SagaError) in
                try await environment.birth.ask()
            }
        }
        let horizon = Horizon(
            born: born, now: environment.clock.wallMilliseconds,
            life: environment.configuration.ledgerTimeToLive)
        guard horizon.covers(made: event.time, kept: keptTime) else {
            throw .dead(
                .tooOld,
                "the event is from before what the ledgers can tell, so nothing was done; see "
                    + "whether its saga has ended long ago, or its data was lost",
                attempts: 0)
        }
    }

    /// The same for an owner that does not know the saga: only its own is for it to judge.
    ///
    /// - Parameter route: the one that the event says it is on.
    func expectKnowable(route: String?) async throws(Interruption) {
        guard route == environment.plan.route else {
            throw .dead(.contradiction, "no such saga was begun here", attempts: 1)
        }
        let born = try await untilAnswered { () async throws(SagaError) in
            try await environment.birth.ask()
        }
        let field = LifecycleState.field
        try await expectKnowable(
            LedgerLook(fields: [field], entries: [], form: .named, born: born))
    }
}

extension LifecycleInput {
    /// Whether it comes from somebody who has done something for the saga.
    var speaksOfASaga: Bool {
        switch self {
        case .pivot, .heard, .failedOnOldRoute: true
        case .begin, .request, .timeIsUp, .unknownSaga, .finalUnknown, .unclaimed: false
        }
    }
}
