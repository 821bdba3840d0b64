import CloudEvents
import Saga
import SagaTestKit

/// Participants that come and go on one store in memory, and a look at all that stands there; in
/// virtual time that goes no further than seconds.
struct TripRig {
    private let rehearsal: SagaRehearsal
    private let end: ContinuousClock.Instant

    init(
        lasting time: Duration = .seconds(5),
        _ configuration: SagaRuntimeConfiguration = SagaRuntimeConfiguration()
    ) throws {
        rehearsal = try SagaRehearsal(configuration: configuration)
        end = rehearsal.clock.now + time
    }

    var server: MemoryServer { rehearsal.server }

    var now: ContinuousClock.Instant { rehearsal.clock.now }

    func runtime(_ participant: Participant) throws -> SagaRuntime {
        try rehearsal.runtime(ParticipantPlan(participant))
    }

    /// Runs participants while `body` does, and stops them.
    func running(
        _ participants: [Participant], _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await rehearsal.running(participants.map { try ParticipantPlan($0) }, body)
    }

    /// An event as its owner would have said it.
    func say<Event: SagaEvent>(_ event: Event, of trip: String) throws {
        let said = CloudEvent(
            source: "/\(Event.owner)", type: Event.type, subject: trip, route: "trip",
            data: try EventPayload.encode(event))
        try say([said], owner: Event.owner)
    }

    func say(_ events: [CloudEvent], owner: String) throws {
        try server.change { data throws(SagaError) in
            for event in events { data.append(event, owner: owner) }
        }
    }

    func life(_ trip: String) -> LedgerEntry {
        LedgerEntry(server.contents.ledger("trips", trip)["lifecycle"] ?? "")
    }

    /// Why each letter is one.
    var letters: [DeadLetter.Reason] {
        server.contents.letters.values.flatMap { $0.map(\.letter.reason) }
    }

    /// How a trip has ended.
    func ending(of trip: String) async throws -> String {
        let ends = ["completed", "cancelled"]
        try await until("trip \(trip) ends") { ends.contains(life(trip).state) }
        return life(trip).state
    }

    /// Lets a little time pass until something holds.
    func until(_ what: String, _ holds: @Sendable () -> Bool) async throws {
        while !holds() {
            guard now < end else { throw NotInTime(what: what) }
            try await rehearsal.clock.sleep(for: .milliseconds(10))
        }
    }

    private struct NotInTime: Error {
        var what: String
    }
}
