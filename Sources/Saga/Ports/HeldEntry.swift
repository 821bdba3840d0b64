package import CloudEvents
import Synchronization

/// An entry that this replica has taken from a stream and has not finished with.
package final class HeldEntry: Sendable {
    package enum Content: Sendable {
        case event(CloudEvent)
        /// Boxed, as it is rare and would make all the others large.
        indirect case unreadable(Unreadable)
    }

    /// It is not an event, or must not be run; why.
    package struct Unreadable: Sendable {
        package var bytes: [UInt8]
        package var reason: DeadLetter.Reason
        package var error: String
        /// The saga that stands beside it, if any does.
        package var sagaID: String?
        /// The event, if it is one all the same.
        package var event: CloudEvent?
        /// Whether even undoing what it did must be feared to bring the process down.
        package var isHopeless: Bool

        package init(
            bytes: [UInt8], reason: DeadLetter.Reason, error: String, sagaID: String?,
            event: CloudEvent? = nil, isHopeless: Bool = false
        ) {
            self.bytes = bytes
            self.reason = reason
            self.error = error
            self.sagaID = sagaID
            self.event = event
            self.isHopeless = isHopeless
        }
    }

    /// Position of its stream among those consumed.
    package let stream: Int
    package let id: String
    package let content: Content
    /// Whether it may have been worked on before, by whomever.
    package let deliveredBefore: Bool
    /// How many bytes the store sent for it.
    package let size: Int
    /// When it was read: what follows from it reaches the store in the same epoch or not at all.
    package let epoch: StoreEpoch
    /// What it owes, if it is tried again for that.
    package let debt: Debt?
    private let seen = Mutex<LedgerLook?>(nil)

    /// What the ledger held when it was read, if somebody looked.
    package var look: LedgerLook? { seen.withLock { $0 } }

    /// Notes a look at its saga's ledger.
    package func keep(_ look: LedgerLook) {
        seen.withLock { $0 = look }
    }

    package init(
        stream: Int, id: String, content: Content, deliveredBefore: Bool,
        epoch: StoreEpoch = StoreEpoch(), size: Int = 0, debt: Debt? = nil
    ) {
        self.size = size
        self.debt = debt
        self.epoch = epoch
        self.stream = stream
        self.id = id
        self.content = content
        self.deliveredBefore = deliveredBefore
    }

    /// What stands for an entry that is larger than a read may bring.
    package static func tooLarge(
        stream: Int, id: String, bytes: Int, sagaID: String?, epoch: StoreEpoch
    ) -> HeldEntry {
        HeldEntry(
            stream: stream, id: id,
            content: .unreadable(
                Unreadable(
                    bytes: [], reason: .tooLarge,
                    error: "the entry has \(bytes) bytes, more than could be read",
                    sagaID: sagaID)),
            deliveredBefore: true, epoch: epoch)
    }

    /// What stands for it when it has brought down too many processes.
    ///
    /// - Parameter isHopeless: whether undoing what it did has done so too.
    func condemned(after deaths: Int, isHopeless: Bool) -> HeldEntry {
        let known: (bytes: [UInt8], event: CloudEvent?, sagaID: String?) =
            switch content {
            case .event(let event): (event.json(), event, event.correlationID)
            case .unreadable(let content): (content.bytes, content.event, content.sagaID)
            }
        return HeldEntry(
            stream: stream, id: id,
            content: .unreadable(
                Unreadable(
                    bytes: known.bytes, reason: .tooManyDeliveries,
                    error: "\(deaths) processes died while it was the only one tried again",
                    sagaID: known.sagaID, event: known.event, isHopeless: isHopeless)),
            deliveredBefore: true, epoch: epoch, size: size)
    }

    /// What has to run in order: the saga, or for what belongs to none the entry itself.
    package var lane: String {
        switch content {
        case .event(let event): event.correlationID
        case .unreadable: "\u{0}\(stream) \(id)"
        }
    }

    /// The route of its saga, if it says one.
    package var route: String? {
        switch content {
        case .event(let event): event.route
        case .unreadable(let content): content.event?.route
        }
    }

    /// Whether it is the same delivery; in another epoch it stands for itself.
    package func isSame(as other: HeldEntry) -> Bool {
        stream == other.stream && id == other.id && epoch == other.epoch
    }
}
