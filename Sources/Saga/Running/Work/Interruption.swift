/// Why the work on an entry stopped before the entry was done.
enum Interruption: Error {
    /// The runtime stops. The entry stays pending where it is.
    case stopped
    /// The store may hold other data by now. The entry is read again if it is still there.
    case epochOver
    /// Nothing here can deal with it.
    case dead(DeadLetter.Reason, String, attempts: Int)
    /// A transition of this ledger field failed after it had begun to write.
    case halfApplied(field: String, expected: String, String)
    /// A step that may only go on kept failing; a person has to look.
    case blocked(step: String, String)
    /// A step's outcome is not known, and a person is asked.
    case asks(step: String, question: String)
}

/// A role of an event that came to no end.
struct UnfinishedRole: Sendable {
    /// The field of the ledger that it moves; nil if it is about the event as a whole.
    let step: String?
    let interruption: Interruption
}
