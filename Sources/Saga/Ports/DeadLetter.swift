/// An event that a participant cannot deal with, kept until a person does.
package struct DeadLetter: Sendable {
    /// Why, as a code in snake case.
    package enum Reason: String, Sendable, CaseIterable {
        /// Not an event, or its payload is not of its type.
        case undecodable
        /// An event of a type that the stream is not for.
        case unknownType = "unknown_type"
        /// Larger than a read may bring, so that only its ID is known.
        case tooLarge = "too_large"
        /// A payload of a version to come.
        case futureVersion = "future_version"
        /// Delivered so often without an end that it must be bringing processes down.
        case tooManyDeliveries = "too_many_deliveries"
        /// A compensation or a finish that kept failing.
        case blocked
        /// A transition failed after it had begun to write, and is not run again.
        case halfApplied = "half_applied"
        /// From before what ledgers can tell; nothing was done on its account.
        case tooOld = "too_old"
        /// The ledger contradicts the event, or a record has a type of its own.
        case contradiction
    }

    package var event: [UInt8]
    package var stream: String
    package var id: String
    package var reason: Reason
    package var error: String
    package var attempts: Int
    /// When it was first tried, in milliseconds since 1970.
    package var firstTime: Int64
    /// When it was last tried.
    package var lastTime: Int64

    package init(
        event: [UInt8], stream: String, id: String, reason: Reason, error: String,
        attempts: Int, firstTime: Int64, lastTime: Int64
    ) {
        self.event = event
        self.stream = stream
        self.id = id
        self.reason = reason
        self.error = error
        self.attempts = attempts
        self.firstTime = firstTime
        self.lastTime = lastTime
    }

    /// What the ledger has to say once there is a letter.
    package struct Trace: Sendable {
        /// What a field is to hold if it holds what is expected, the state of an unknown outcome.
        package struct Mark: Sendable {
            package var step: String
            package var expected: String
            package var entry: LedgerEntry

            package init(step: String, expected: String, entry: LedgerEntry) {
                self.step = step
                self.expected = expected
                self.entry = entry
            }
        }

        package var sagaID: String
        /// Steps that may have acted.
        package var unknown: [Mark] = []
        /// Where the saga is blocked, and by which event.
        package var blocked: (step: String, eventID: String)?
        /// The form of idempotency keys that goes with what is unknown.
        package var form = KeyForm.sagaAndStep

        package init(sagaID: String) {
            self.sagaID = sagaID
        }

        /// Nobody knows what of a transition stands: its step is unknown, whatever it works on,
        /// and so is a saga's life.
        ///
        /// Its script has said so already, and better: it knew what stood there before.
        package mutating func halfApplied(_ field: String, expected: String, eventID: String) {
            blocked = (field, eventID)
            unknown.removeAll { $0.step == field }
            guard expected != LedgerEntry.unknown else { return }
            let entry = LedgerEntry(state: expected, eventID: eventID).halfApplied(from: expected)
            unknown.append(Mark(step: field, expected: expected, entry: entry))
        }
    }

    /// What is wrong, and what a person has to do about what a transition left half written.
    package static func halfApplied(_ error: String, field: String, ledger: String) -> String {
        """
        \(error); none of its events went out. Next: put the records of the saga back as they \
        were, set the field \(field) of \(ledger) to what follows half_applied in it (remove it if \
        nothing does), remove its field blocked, and make what asked for the transition come again.
        """
    }
}
