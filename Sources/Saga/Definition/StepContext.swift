public import CloudEvents

/// What a step may know besides the payload that started it.
public struct StepContext: Sendable {
    /// The participant that runs the step.
    public var participant: String { known.participant }
    /// The name of the saga's route; a saga of another route may have the same ID.
    public var route: String { known.keys.route }
    /// The saga.
    public var sagaID: String { known.sagaID }
    /// The step's name; `lifecycle` for a lifecycle's parts.
    public var step: String { known.step }
    /// The event that is being answered.
    public var event: CloudEvent { known.event }
    /// 1 for the first try of this process, 2 for the next.
    public var attempt: Int { known.attempt }
    /// Reads the participant's own records.
    public var records: any RecordReader { known.records }

    /// The key under which the outside world knows this step of this saga.
    ///
    /// `<system>:<route>:<saga>:<participant>:<step>`, the same for every attempt. What undoes the
    /// step names it by this key, and goes itself under `idempotencyKey(for:)`.
    public var idempotencyKey: String {
        let key = known.keys.doKey(sagaID, participant, step)
        return PlantedFault.isPlanted(.doKeyOfEachTry) && attempt > 1 ? "\(key):\(attempt)" : key
    }

    /// The key of another call about the step: what undoes it, what completes it.
    ///
    /// - Parameter call: what it does, in a word that never changes: `refund`.
    public func idempotencyKey(for call: String) -> String {
        if PlantedFault.isPlanted(.undoUnderDoKey) { return idempotencyKey }
        let key = known.keys.key(sagaID, participant, step, for: call)
        return PlantedFault.isPlanted(.undoKeyOfEachTry) && attempt > 1 ? "\(key):\(attempt)" : key
    }

    package init(
        participant: String, sagaID: String, step: String, event: CloudEvent, attempt: Int,
        keys: IdempotencyKeys, records: any RecordReader,
        waits: @escaping @Sendable (_ begins: Bool) -> Void = { _ in }
    ) {
        known = Known(
            participant: participant, sagaID: sagaID, step: step, event: event, attempt: attempt,
            keys: keys, records: records, waits: waits)
    }

    /// Is to be told when a wait for something that others use too begins, as for a connection,
    /// and when it is over: its time does not count against `giveUpAfter`.
    package var waits: @Sendable (_ begins: Bool) -> Void { known.waits }

    /// Shared by all copies: a context is passed on through many calls.
    private let known: Known

    private final class Known: Sendable {
        let participant: String
        let sagaID: String
        let step: String
        let event: CloudEvent
        let attempt: Int
        let keys: IdempotencyKeys
        let records: any RecordReader
        let waits: @Sendable (Bool) -> Void

        init(
            participant: String, sagaID: String, step: String, event: CloudEvent, attempt: Int,
            keys: IdempotencyKeys, records: any RecordReader,
            waits: @escaping @Sendable (Bool) -> Void
        ) {
            self.waits = waits
            self.keys = keys
            self.participant = participant
            self.sagaID = sagaID
            self.step = step
            self.event = event
            self.attempt = attempt
            self.records = records
        }
    }
}

/// Reads the records of one participant.
public protocol RecordReader: Sendable {
    /// All fields of a hash record; empty if there is none.
    func fields(of record: RecordName) async throws(SagaError) -> [String: String]

    /// All fields of several hash records, in their order, in one round trip.
    func fields(ofAll records: [RecordName]) async throws(SagaError) -> [[String: String]]

    /// A string record, or nothing if there is none.
    func text(of record: RecordName) async throws(SagaError) -> String?

    /// Members of a sorted-set record from the highest score down.
    ///
    /// - Parameters:
    ///   - after: starts behind this member; from the top if it is nil or not in the set.
    ///   - limit: at most so many.
    func members(
        of index: RecordName, after: String?, limit: Int
    ) async throws(SagaError) -> [String]
}
