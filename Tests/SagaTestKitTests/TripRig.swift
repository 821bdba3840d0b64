import CloudEvents
import Logging
import Saga
import SagaTestKit
import Synchronization
import Testing

/// The travel agency of the trips: what is booked by a key, and cancelled, it knows for good.
let agency = Agency()

final class Agency: Sendable {
    private struct Books {
        var booked: [String] = []
        var cancelled: Set<String> = []
    }

    private let books = Mutex(Books())

    /// How often something was booked for a trip and stands.
    func standing(_ trip: String) -> [String] {
        books.withLock { books in
            books.booked.filter {
                $0.contains(":\(trip):") && !books.cancelled.contains($0)
            }
        }
    }

    func book(_ what: String, _ context: StepContext) async throws -> String {
        if what == "nowhere" { throw BusinessFailure("no_room", "Nobody lets rooms there.") }
        return books.withLock { books in
            books.booked.append(context.idempotencyKey)
            return "1 in \(what)"
        }
    }

    func cancel(_ context: StepContext) async throws {
        books.withLock { _ = $0.cancelled.insert(context.idempotencyKey) }
    }
}

/// Participants on one store in memory, on a clock that goes no further than seconds: how busy the
/// machine is decides nothing.
struct TripRig {
    let server: MemoryServer
    private let clock: VirtualClock
    private let end: ContinuousClock.Instant

    init(lasting time: Duration = .seconds(5)) {
        clock = VirtualClock()
        server = MemoryServer(clock: clock)
        end = clock.now + time
    }

    var now: ContinuousClock.Instant { clock.now }

    func runtime(_ participant: Participant) throws -> SagaRuntime {
        let plan = try ParticipantPlan(participant)
        var configuration = SagaRuntimeConfiguration()
        configuration.consumerName = "replica"
        return try SagaRuntime(
            plan, configuration: configuration,
            logger: Logger(label: "trips")
        ) { settings, _ in server.ports(of: plan, settings) }
    }

    /// Runs participants while `body` does, and stops them.
    func running(
        _ participants: [Participant], _ body: @Sendable () async throws -> Void
    ) async throws {
        let runtimes = try participants.map(runtime)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for runtime in runtimes { group.addTask { try await runtime.run() } }
            try await body()
            group.cancelAll()
        }
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

    /// How a trip has ended.
    func ending(of trip: String) async throws -> String {
        let ends = ["completed", "cancelled"]
        try await until("trip \(trip) ends") { ends.contains(life(trip).state) }
        return life(trip).state
    }

    /// Lets a little time pass until something holds; the suite's limit ends what never does.
    func until(_ what: String, _ holds: @Sendable () -> Bool) async throws {
        while !holds() {
            try await Task.sleep(for: .milliseconds(2))
            _ = clock.advance(notBeyond: end)
        }
    }
}
