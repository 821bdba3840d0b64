/// Where the life of a saga stands, as its ledger says.
package struct LifecycleState: Hashable, Sendable {
    package enum Status: String, Hashable, Sendable {
        /// It never began. `pending` may follow.
        case absent = ""
        /// Under way. `completed`, `cancelling` or `cancelled` may follow.
        case pending
        /// Past the pivot. Final.
        case completed
        /// Waiting for answers. `cancelled` follows.
        case cancelling
        /// Undone. Final.
        case cancelled
        /// It is not known, and all who have books are asked. `completed` or `cancelled` follows.
        case missing
        /// A transition was left half written. Nothing follows until a person has looked.
        case unknown
    }

    /// The field of a ledger that holds it.
    package static let field = "lifecycle"

    package var status: Status
    /// Who has to answer before a cancelling saga is cancelled.
    package var awaited: Set<String> = []
    /// Who has answered, even before anyone asked.
    package var answered: Set<String> = []
    /// How often those who have not answered were asked again.
    package var asked = 0

    package static let absent = LifecycleState(status: .absent)
    package static let pending = LifecycleState(status: .pending)
    package static let missing = LifecycleState(status: .missing)
    package static let completed = LifecycleState(status: .completed)
    package static let cancelled = LifecycleState(status: .cancelled)

    package init(
        status: Status, awaited: Set<String> = [], answered: Set<String> = [], asked: Int = 0
    ) {
        self.status = status
        self.awaited = awaited
        self.answered = answered
        self.asked = asked
    }

    /// Reads `cancelling:inventory,payment+payment#2`.
    ///
    /// Status, awaited after a colon, answered after a plus, how often it was asked again after a
    /// hash: one word, as a ledger's states are.
    package init?(text: String) {
        let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        asked = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let halves = parts[0].split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        let head = halves[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let status = Status(rawValue: String(head[0])) else { return nil }
        self.status = status
        awaited = head.count > 1 ? Self.names(head[1]) : []
        answered = halves.count > 1 ? Self.names(halves[1]) : []
    }

    package var text: String {
        var text = status.rawValue
        if !awaited.isEmpty { text += ":" + awaited.sorted().joined(separator: ",") }
        if !answered.isEmpty { text += "+" + answered.sorted().joined(separator: ",") }
        if asked > 0 { text += "#\(asked)" }
        return text
    }

    private static func names(_ list: Substring) -> Set<String> {
        Set(list.split(separator: ",").map(String.init))
    }
}

/// What may happen to the life of a saga.
package enum LifecycleInput: Hashable, Sendable {
    /// It begins.
    case begin
    /// The event that completes it came.
    case pivot
    /// A participant's event came.
    ///
    /// `answer` names who answers with it, if it is an answer; `awaiting` who has to answer
    /// before the saga is cancelled, if it is a failure that cancels.
    case heard(answer: String?, awaiting: [String]?)
    /// A failure came that cancels a saga which began with another version of its route.
    case failedOnOldRoute(answer: String?, awaiting: [String])
    /// A client asks for cancellation.
    case request(awaiting: [String])
    /// Its time is up: for a pending saga the deadline, for a cancelling one the patience with
    /// those who have not answered.
    case timeIsUp(awaiting: [String])
    /// The patience with those who have not answered is over, but none of them has lost the
    /// question.
    case waitsOn
    /// Something of a saga came that its owner does not know, and would know if it ever began.
    case unknownSaga
    /// Something stands of a saga that its owner does not know; `awaiting` are all who have books
    /// and may know of something that cannot be taken back.
    case missing(awaiting: Set<String>)
    /// Somebody's books hold nothing of such a saga that could not be taken back.
    case nothingFinal(of: String)
    /// Something that cannot be taken back stands of a saga that its owner does not know.
    case finalUnknown
    /// Somebody's books hold what no ledger of theirs knows.
    case unclaimed
}

/// What an input changes: the state that follows, and what goes out with it.
package struct LifecycleAction: Hashable, Sendable {
    package enum Effect: Hashable, Sendable {
        case begin
        case complete
        /// The saga stops being pending to be cancelled.
        case startCancelling
        /// Everyone awaited has to be told.
        case announceRequest
        /// It has to be told that the saga is being cancelled, and not yet is.
        case announceCancelling
        /// All who have books have to be asked.
        case announceMissing
        /// Its time is to be up again later.
        case waitAgain
        case cancel
    }

    package var next: LifecycleState
    package var effects: [Effect]
}

/// Decides the life of a saga; pure, so that every order of events can be explored.
///
/// - Nothing moves a life that a transition left half written: it would be written twice.
/// - A failure event is also its sender's answer.
/// - What may be kept of a saga elsewhere never changes without an event, so that it can be
///   dropped: that it is being cancelled is told too, though nobody who takes part waits for it.
/// - Answers that come while the saga is pending are kept, as between streams there is no
///   order and an answer may overtake its question.
/// - A cancelling saga asks again, and again, as long as an answer, or the question, is lost for
///   good. Who is asked again answers again. Everybody is asked, so nobody has to know who was
///   told by which event.
/// - A saga that its owner does not know, and would know, is taken for cancelled: everybody is
///   told to undo, and no record is touched, as there is none.
/// - But where only a company still knows of it, it may have gone through to its end within what
///   the store has forgotten, and its goods may be on their way. So all who have books look first,
///   and whatever cannot be taken back completes it. Who cannot look keeps it from being
///   concluded; who holds something asks again, and each time all are asked anew.
/// - Who holds something unclaimed is told to undo it if the saga is cancelled. A pending saga
///   takes its course, one that is cancelling asks by itself; of a completed one, whose ledger may
///   have been written since, nothing is said, and who goes on asking tells a person.
/// - The pivot completes a pending saga only; a saga that is cancelling stays so, and what
///   completed elsewhere meanwhile is undone by the request it gets.
package enum LifecycleMachine {
    /// The state to act upon without a look at the ledger.
    package static func assumed(_ input: LifecycleInput) -> LifecycleState {
        switch input {
        case .begin, .unknownSaga: .absent
        case .missing, .nothingFinal, .finalUnknown: .missing
        case .unclaimed: .cancelled
        case .pivot, .heard, .failedOnOldRoute, .request, .timeIsUp, .waitsOn: .pending
        }
    }

    /// Whether the ledger has to be looked at first: it notes why a saga was cancelled, which is
    /// said again, and, if its route is noted, who takes part.
    package static func looksFirst(_ input: LifecycleInput, isRouteNoted: Bool) -> Bool {
        switch input {
        case .begin, .pivot, .unknownSaga, .missing, .nothingFinal, .finalUnknown: false
        case .unclaimed, .waitsOn: true
        case .heard, .failedOnOldRoute, .request, .timeIsUp: isRouteNoted
        }
    }

    /// The same input for a saga that began with another version of its route.
    ///
    /// Who undoes on a failure is another question there: so all who take part are told, and
    /// awaited.
    ///
    /// - Parameters:
    ///   - began: with whom it began.
    ///   - known: whose answers are heard now.
    /// - Throws: `unexpectedState` if nobody would hear an answer that the saga has to wait for.
    package static func onOldRoute(
        _ input: LifecycleInput, _ began: [String], known: Set<String>
    ) throws(SagaError) -> LifecycleInput {
        let translated: LifecycleInput
        switch input {
        case .begin, .pivot, .heard(_, nil), .failedOnOldRoute, .unknownSaga, .missing,
            .nothingFinal, .finalUnknown, .unclaimed, .waitsOn:
            return input
        case .heard(let answer, .some):
            translated = .failedOnOldRoute(answer: answer, awaiting: began)
        case .request: translated = .request(awaiting: began)
        case .timeIsUp: translated = .timeIsUp(awaiting: began)
        }
        if let lost = began.first(where: { !known.contains($0) }) {
            throw SagaError(
                .unexpectedState,
                "the saga began with '\(lost)', who has no leg on the route any more: name a "
                    + "FormerLeg for it until no such saga is left")
        }
        return translated
    }

    /// The longest pause before a saga is asked about again.
    private static let pauseMaximum: Duration = .seconds(300)

    /// How long answers are waited for once it has been asked again so often.
    package static func pause(_ patience: Duration, asked: Int) -> Duration {
        min(patience * (1 << min(asked, 20)), max(patience, pauseMaximum))
    }

    /// The same for a saga that has been asked about for this long.
    package static func pause(_ patience: Duration, past: Duration) -> Duration {
        min(max(past, patience), max(patience, pauseMaximum))
    }

    /// What a question, or an answer, about a saga means that its owner does not know.
    ///
    /// - Parameters:
    ///   - teller: who says it.
    ///   - keepers: all who have books.
    package static func input(
        _ question: UnclaimedQuestion, by teller: String, keepers: Set<String>
    ) -> LifecycleInput {
        if question.isFinal { return .finalUnknown }
        return question.isAnswer ? .nothingFinal(of: teller) : .missing(awaiting: keepers)
    }

    /// What an input changes; nil if nothing.
    package static func action(
        _ input: LifecycleInput, in state: LifecycleState
    ) -> LifecycleAction? {
        switch (input, state.status) {
        case (.unclaimed, _) where PlantedFault.isPlanted(.unclaimedUnanswered):
            return nil
        case (.timeIsUp, .cancelling) where PlantedFault.isPlanted(.nobodyAsksAgain):
            return nil
        case (.pivot, .cancelling) where PlantedFault.isPlanted(.completesWhileCancelling):
            return LifecycleAction(next: .completed, effects: [.complete])
        case (.request(let awaiting), .completed)
        where PlantedFault.isPlanted(.cancelledAfterPivot):
            return cancelling(
                Set(awaiting), answered: [], effects: [.startCancelling, .announceRequest])
        case (.begin, .absent):
            return LifecycleAction(next: .pending, effects: [.begin])
        case (.unknownSaga, .absent), (.unclaimed, .cancelled):
            return LifecycleAction(next: .cancelled, effects: [.announceRequest])
        case (.finalUnknown, .absent), (.finalUnknown, .missing):
            return LifecycleAction(next: .completed, effects: [])
        case (.missing(let keepers), .absent):
            let next = LifecycleState(status: .missing, awaited: keepers)
            return LifecycleAction(next: next, effects: [.announceMissing])
        case (.missing, .missing):
            return LifecycleAction(next: state, effects: [.announceMissing])
        case (.nothingFinal(let teller), .missing):
            var next = state
            next.answered.insert(teller)
            if next.awaited.isSubset(of: next.answered) {
                return LifecycleAction(next: .cancelled, effects: [.announceRequest])
            }
            return next == state ? nil : LifecycleAction(next: next, effects: [])
        case (.begin, _), (_, .absent), (_, .completed), (_, .cancelled), (_, .unknown):
            return nil
        case (.timeIsUp, .cancelling), (.waitsOn, .cancelling):
            var next = state
            next.asked += 1
            let isLost = input != .waitsOn
            return LifecycleAction(
                next: next, effects: isLost ? [.announceRequest, .waitAgain] : [.waitAgain])
        case (.unknownSaga, _), (.finalUnknown, _), (.unclaimed, _), (.missing, _),
            (.nothingFinal, _), (.waitsOn, _), (_, .missing):
            return nil
        case (.pivot, .pending):
            return LifecycleAction(next: .completed, effects: [.complete])
        case (.pivot, .cancelling), (.request, .cancelling):
            return nil
        case (.request(let awaiting), .pending), (.timeIsUp(let awaiting), .pending):
            return cancelling(
                Set(awaiting), answered: state.answered,
                effects: [.startCancelling, .announceRequest])
        case (.heard(let answer, let awaiting), .pending):
            let answered = answered(state, answer, isFailure: awaiting != nil)
            if let awaiting {
                return cancelling(
                    Set(awaiting), answered: answered, effects: [.startCancelling])
            }
            if answered == state.answered { return nil }
            let next = LifecycleState(status: .pending, answered: answered)
            return LifecycleAction(next: next, effects: [])
        case (.failedOnOldRoute(let answer, let awaiting), .pending):
            return cancelling(
                Set(awaiting), answered: answered(state, answer, isFailure: true),
                effects: [.startCancelling, .announceRequest])
        case (.heard(let answer, let awaiting), .cancelling):
            return heard(answered(state, answer, isFailure: awaiting != nil), in: state)
        case (.failedOnOldRoute(let answer, _), .cancelling):
            return heard(answered(state, answer, isFailure: true), in: state)
        }
    }

    /// Who has answered once somebody's event has come.
    private static func answered(
        _ state: LifecycleState, _ answer: String?, isFailure: Bool
    ) -> Set<String> {
        if isFailure, PlantedFault.isPlanted(.failureIsNoAnswer) { return state.answered }
        if state.status == .pending, PlantedFault.isPlanted(.earlyAnswerLost) {
            return state.answered
        }
        return state.answered.union(answer.map { [$0] } ?? [])
    }

    private static func heard(
        _ answered: Set<String>, in state: LifecycleState
    ) -> LifecycleAction? {
        if answered == state.answered { return nil }
        return cancelling(state.awaited, answered: answered, asked: state.asked, effects: [])
    }

    private static func cancelling(
        _ awaited: Set<String>, answered: Set<String>, asked: Int = 0,
        effects: [LifecycleAction.Effect]
    ) -> LifecycleAction {
        if awaited.isSubset(of: answered) || PlantedFault.isPlanted(.awaitsNobody) {
            return LifecycleAction(next: .cancelled, effects: effects + [.cancel])
        }
        let next = LifecycleState(
            status: .cancelling, awaited: awaited, answered: answered, asked: asked)
        let isFirst = effects.contains(.startCancelling)
        return LifecycleAction(
            next: next, effects: effects + (isFirst ? [.announceCancelling, .waitAgain] : []))
    }
}
