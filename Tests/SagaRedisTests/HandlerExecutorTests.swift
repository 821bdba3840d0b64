import Dispatch
import Foundation
import Saga
import SagaTestKit
import Synchronization
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// Where handlers run: by default where they keep the connection from nothing.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct HandlerExecutorTests {
    @Test func aHandlerThatBlocksItsThreadKeepsNoCallWaiting() async throws {
        try await ShopRig.with {
            $0.giveUpAfter = .seconds(20)
        } _: { rig in
            let block = Block()
            let payment = Participant(ShopRoute.route, "payment") {
                Perform(ShopRoute.charge) { order, _ in
                    block.enter()
                    return Transition(
                        PaymentProcessed(country: order.country, quantity: order.quantity))
                } undo: { _ in
                }
            }
            try await rig.running([rig.saga.order, payment]) { order in
                _ = try await order.begin("1", OrderCreated())
                await block.begun()
                for number in 0..<100 {
                    let key = "\(rig.configuration.namespace)\(number)"
                    _ = try await rig.redis.send(.set(key, "1"))
                }
                #expect(!block.isOver, "no answer came before the handler had returned")
                block.leave()
                try await rig.until("the handler's outcome is written") {
                    try await rig.ledger("payment", "1", "charge") == "done"
                }
            }
            #expect(!block.gaveUp)
        }
    }

    @Test(arguments: Place.allCases)
    func stepsAndWhatUndoesThemRunWhereTheConfigurationSays(_ place: Place) async throws {
        let queue = QueueExecutor()
        try await ShopRig.with {
            $0.handlerExecutor = place.choice(queue)
        } _: { rig in
            let loop = await Task(executorPreference: rig.redis.executor) { Self.thread() }.value
            let sightings = Sightings(loop, queue)
            let payment = Participant(ShopRoute.route, "payment") {
                Perform(ShopRoute.charge) { _, _ in
                    sightings.see("perform")
                    return Transition(PaymentProcessed(country: "AQ", quantity: 1))
                } undo: { _ in
                    sightings.see("undo")
                }
            }
            try await rig.running([rig.saga.order, payment]) { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("it is charged") {
                    try await rig.ledger("payment", "1", "charge") == "done"
                }
                _ = try await order.requestCancellation(of: "1", reason: BusinessFailure("x"))
                try await rig.until("the charge is undone") {
                    try await rig.ledger("payment", "1", "charge") == "compensated"
                }
            }
            #expect(sightings.places == ["perform": place, "undo": place])
        }
    }

    @Test func booksAreReadWhereTheConfigurationSays() async throws {
        let queue = QueueExecutor()
        try await ShopRig.with {
            $0.handlerExecutor = .custom(queue)
        } _: { rig in
            let books = WatchedBooks(Sightings(Self.thread(), queue))
            let host = Participant(Lodging.route, "host") {
                Perform(Lodging.stay) { _, _ in
                    Transition(Stayed())
                } undo: { _ in
                }
                .reconciled(with: books)
            }
            _ = try await rig.runtime(host).reconcile(acts: false)
            #expect(books.sightings.places == ["books": .queue])
        }
    }

    // MARK: - Where

    enum Place: CaseIterable, Sendable {
        case loop
        case queue
        case elsewhere

        func choice(_ queue: QueueExecutor) -> HandlerExecutor {
            switch self {
            case .loop: .onConnection
            case .queue: .custom(queue)
            case .elsewhere: .concurrent
            }
        }
    }

    final class QueueExecutor: TaskExecutor {
        private static let key = DispatchSpecificKey<ObjectIdentifier>()
        private let queue = DispatchQueue(label: "handlers")

        init() {
            queue.setSpecific(key: Self.key, value: ObjectIdentifier(self))
        }

        var isCurrent: Bool { DispatchQueue.getSpecific(key: Self.key) == ObjectIdentifier(self) }

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }

    private static func thread() -> ObjectIdentifier { ObjectIdentifier(Thread.current) }

    /// Where what was seen at last ran.
    private final class Sightings: Sendable {
        private let loop: ObjectIdentifier
        private let queue: QueueExecutor
        private let seen = Mutex<[String: Place]>([:])

        var places: [String: Place] { seen.withLock { $0 } }

        init(_ loop: ObjectIdentifier, _ queue: QueueExecutor) {
            self.loop = loop
            self.queue = queue
        }

        func see(_ what: String) {
            let place: Place =
                queue.isCurrent
                ? .queue : HandlerExecutorTests.thread() == loop ? .loop : .elsewhere
            seen.withLock { $0[what] = place }
        }
    }

    /// Holds a thread until it is let go, or 10 s are over.
    private final class Block: Sendable {
        private let gate = DispatchSemaphore(value: 0)
        private let entry = AsyncStream<Void>.makeStream()
        private let end = Mutex<DispatchTimeoutResult?>(nil)

        var isOver: Bool { end.withLock { $0 != nil } }
        var gaveUp: Bool { end.withLock { $0 == .timedOut } }

        func enter() {
            entry.continuation.finish()
            let result = gate.wait(timeout: .now() + 10)
            end.withLock { $0 = result }
        }

        func begun() async { for await _ in entry.stream {} }

        func leave() { gate.signal() }
    }

    private final class WatchedBooks: OutsideBooks {
        let sightings: Sightings

        init(_ sightings: Sightings) {
            self.sightings = sightings
        }

        func entries(after cursor: String?, since time: Int64) async throws -> OutsidePage {
            sightings.see("books")
            return OutsidePage([])
        }

        func entry(under key: String) async throws -> OutsideEntry? { nil }
    }
}

// MARK: - A saga whose company keeps books

private enum Lodging {
    static let stay = Leg(
        "stay", by: "host", on: StayAsked.self, emits: Stayed.self, orElse: StayRefused.self,
        undone: StayFreed.self
    ).asking(by: StayUnclaimed.self)
    static let ends = RouteOwner(
        "guest", begins: StayAsked.self, completes: StayEnded.self, on: Stayed.self,
        cancelled: StayCancelled.self, request: StayWithdrawn.self)
    static let route = Route("lodging", owner: ends) { stay }
}

private struct StayAsked: SagaEvent { static let owner = "guest" }
private struct StayEnded: SagaEvent { static let owner = "guest" }
private struct StayCancelled: ReasonEvent {
    static let owner = "guest"
    var reason, detail: String
}
private struct StayWithdrawn: ReasonEvent {
    static let owner = "guest"
    var reason, detail: String
}
private struct Stayed: SagaEvent { static let owner = "host" }
private struct StayRefused: FailureEvent {
    static let owner = "host"
    var reason, detail: String
}
private struct StayFreed: UndoneEvent { static let owner = "host" }
private struct StayUnclaimed: UnclaimedEvent {
    static let owner = "host"
    var key: String
    var isFinal: Bool
    var count: Int
}
