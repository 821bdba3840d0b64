import Saga

// A saga of two participants, as small as one can be, for what a store has to keep.

package struct LoanAsked: SagaEvent {
    package static let owner = "asker"
    package init() {}
}
package struct LoanGiven: SagaEvent {
    package static let owner = "lender"
    package init() {}
}
package struct LoanRefused: FailureEvent {
    package static let owner = "lender"
    package var reason: String
    package var detail: String

    package init(reason: String, detail: String) {
        self.reason = reason
        self.detail = detail
    }
}
package struct LoanReturned: SagaEvent {
    package static let owner = "lender"
    package init() {}
}
package struct LoanEnded: SagaEvent {
    package static let owner = "asker"
    package init() {}
}
package struct LoanCancelled: SagaEvent {
    package static let owner = "asker"
    package init() {}
}
package struct LoanCancellationRequested: SagaEvent {
    package static let owner = "asker"
    package init() {}
}

extension Participant {
    static var asker: Participant {
        Participant("asker") {
            Lifecycle(
                begins: LoanAsked.self, deadline: .seconds(60),
                answers: ["lender": [LoanRefused.self, LoanReturned.self]]
            )
            .completes(on: LoanGiven.self, emits: LoanEnded.self) { _, _ in
                Transition(LoanEnded())
            }
            .cancels(on: LoanRefused.self, awaiting: [])
            .cancelsOnRequest(awaiting: ["lender"], emits: LoanCancellationRequested.self) { _, _ in
                Transition(LoanCancellationRequested())
            }
            .cancelled(emits: LoanCancelled.self) { _, _ in Transition(LoanCancelled()) }
        }
    }

    static var lender: Participant {
        Participant("lender") {
            Step(
                "lend", on: LoanAsked.self, emits: LoanGiven.self, actsOutside: false,
                orElse: { failure, _ in
                    Transition(LoanRefused(reason: failure.reason, detail: failure.detail))
                },
                perform: { _, _ in Transition(LoanGiven()) }
            )
            .compensated(
                by: [LoanCancellationRequested.self], emits: LoanReturned.self,
                nothingToUndo: { _ in Transition(LoanReturned()) },
                undo: { _ in Transition(LoanReturned()) })
        }
    }
}
