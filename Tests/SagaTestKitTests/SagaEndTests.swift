import CloudEvents
import Saga
import SagaTestKit
import Synchronization
import Testing

private protocol DeskEvent: SagaEvent {}
extension DeskEvent { static var owner: String { "desk" } }
private struct RentalAsked: DeskEvent {}
private struct RentalAgreed: DeskEvent { var sign: String }
private struct RentalCancellationRequested: DeskEvent, ReasonEvent { var reason, detail: String }
private struct RentalCancelled: DeskEvent, ReasonEvent { var reason, detail: String }
private protocol GarageEvent: SagaEvent {}
extension GarageEvent { static var owner: String { "garage" } }
private struct CarHeld: GarageEvent { var sign: String }
private struct HoldRefused: GarageEvent, FailureEvent { var reason, detail: String }
private struct CarFreed: GarageEvent, UndoneEvent {}
private struct CarHandedOver: GarageEvent {}

/// A rental: a car is held, and handed over once the rental is agreed.
private enum Rental {
    static let hold = Leg(
        "hold", by: "garage", on: RentalAsked.self, emits: CarHeld.self,
        orElse: HoldRefused.self, undone: CarFreed.self, actsOutside: false)
    static let handOver = FinishingLeg(
        of: hold, on: RentalAgreed.self, emits: CarHandedOver.self)
    static let ends = RouteOwner(
        "desk", begins: RentalAsked.self, completes: RentalAgreed.self, on: CarHeld.self,
        cancelled: RentalCancelled.self, request: RentalCancellationRequested.self)
    static let route = Route("rental", owner: ends) {
        hold
        handOver
    }
    static let desk = Participant(route, "desk") {
        Oversee(ends, deadline: .seconds(300)) { held, _ in
            Transition(RentalAgreed(sign: held.sign))
        }
    }
    static let garage = Participant(route, "garage") {
        Perform(hold) { _, _ in
            Transition(CarHeld(sign: "B AD 1"))
        } undo: { _ in
            Transition(CarFreed())
        }
        .finish(handOver) { agreed, context in
            Transition(CarHandedOver()) { $0.set("car:\(context.sagaID)", ["sign": agreed.sign]) }
        }
    }
}

private final class Company: Sendable {
    let isAway = Atomic(true)
}

/// Everyone hears the end, and who has lost what it was told is told again.
@Suite(.timeLimit(.minutes(5)))
struct SagaEndTests {
    @Test func aLedgerMayGoOnceItsSagaHasEndedAndNotBefore() async throws {
        let rig = try TripRig()
        let desk = try rig.runtime(Rental.desk)
        _ = try await desk.begin("1", RentalAsked())
        try await rig.running([Rental.garage]) {
            try await rig.until("the car is held") { ledger(rig, "garage")["hold"] != nil }
        }
        #expect(rig.server.contents.ending.isEmpty)

        try await rig.running([Rental.desk, Rental.garage]) {
            try await rig.until("all have heard") {
                ledger(rig, "desk")["end"] == "completed"
                    && ledger(rig, "garage")["end"] == "completed"
            }
        }

        #expect(rig.server.contents.ending == ["desk:1", "garage:1"])
        #expect(rig.server.contents.timers["desk"] == [:])
    }

    @Test func aCancelledSagaIsHeardOfByAll() async throws {
        let rig = try TripRig()
        let desk = try rig.runtime(Rental.desk)
        _ = try await desk.begin("1", RentalAsked())
        _ = try await desk.requestCancellation(of: "1", reason: BusinessFailure("asked"))

        try await rig.running([Rental.desk, Rental.garage]) {
            try await rig.until("all have heard") {
                ledger(rig, "desk")["end"] == "cancelled"
                    && ledger(rig, "garage")["end"] == "cancelled"
            }
        }

        #expect(rig.server.contents.ending == ["desk:1", "garage:1"])
    }

    @Test func whoHasLostThatItIsToFinishIsToldAgain() async throws {
        let rig = try await agreed()
        try lose("desk:RentalAgreed", at: "garage", rig)

        try await rig.running([Rental.desk, Rental.garage]) {
            try await rig.until("the car is handed over") {
                ledger(rig, "desk")["end"] == "completed"
            }
        }

        #expect(ledger(rig, "garage")["hold"]?.hasPrefix("finished") == true)
        let told = rig.server.contents.events("RentalAgreed", owner: "desk")
        #expect(told.count == 2 && Set(told.map(\.id)).count == 1)
        #expect(rig.server.contents.events("CarHandedOver", owner: "garage").count == 1)
    }

    @Test func whoHasFinishedSaysItAgainIfThatWasLost() async throws {
        let rig = try await agreed()
        try await rig.running([Rental.garage]) {
            try await rig.until("the car is handed over") {
                rig.server.contents.events("CarHandedOver", owner: "garage").count == 1
            }
        }
        try lose("garage:CarHandedOver", at: "desk", rig)

        try await rig.running([Rental.desk, Rental.garage]) {
            try await rig.until("the desk knows") { ledger(rig, "desk")["end"] == "completed" }
        }

        let said = rig.server.contents.events("CarHandedOver", owner: "garage")
        #expect(said.count == 2 && Set(said.map(\.id)).count == 1)
    }

    @Test func anOutageCostsNoRepeat() async throws {
        let rig = try await agreed()
        _ = try await rig.runtime(Rental.desk).begin("2", RentalAsked())
        _ = try await rig.runtime(Rental.desk).requestCancellation(
            of: "2", reason: BusinessFailure("asked"))

        let end = rig.now + .seconds(100)
        try await rig.running([Rental.desk]) {
            try await rig.until("some time has passed") { rig.now >= end }
        }

        #expect(rig.server.contents.events("RentalAgreed", owner: "desk").count == 1)
        let asked = "RentalCancellationRequested"
        #expect(rig.server.contents.events(asked, owner: "desk").count == 1)
        #expect(rig.life("2", of: "desk").state.hasPrefix("cancelling:garage#"))
        try await rig.running([Rental.desk, Rental.garage]) {
            try await rig.until("both end") {
                ledger(rig, "desk")["end"] == "completed"
                    && rig.life("2", of: "desk").state == "cancelled"
            }
        }
        #expect(rig.server.contents.events(asked, owner: "desk").count == 1)
    }

    /// Who has put off what it was asked has acknowledged it, which looks as if it was lost.
    @Test func aCompanyThatIsAwayCostsNoRepeat() async throws {
        let rig = try TripRig(lasting: .seconds(1000))
        let company = Company()
        let garage = Participant(Rental.route, "garage") {
            Perform(Rental.hold, undoGiveUpAfter: .seconds(1)) { _, _ in
                Transition(CarHeld(sign: "B AD 1"))
            } undo: { _ in
                if company.isAway.load(ordering: .relaxed) { throw CancellationError() }
                return Transition(CarFreed())
            }
            .finish(Rental.handOver) { _, _ in
                if company.isAway.load(ordering: .relaxed) { throw CancellationError() }
                return Transition(CarHandedOver())
            }
        }
        let desk = try rig.runtime(Rental.desk)
        _ = try await desk.begin("1", RentalAsked())
        _ = try await desk.begin("2", RentalAsked())
        try await rig.running([garage]) {
            try await rig.until("the cars are held") {
                rig.server.contents.events("CarHeld", owner: "garage").count == 2
            }
        }
        _ = try await desk.requestCancellation(of: "2", reason: BusinessFailure("asked"))

        let end = rig.now + .seconds(400)
        try await rig.running([Rental.desk, garage]) {
            try await rig.until("some time has passed") { rig.now >= end }
            #expect(rig.server.contents.blocked["garage"]?.keys.sorted() == ["1", "2"])
            company.isAway.store(false, ordering: .relaxed)
            try await rig.until("both end") {
                ledger(rig, "desk")["end"] == "completed"
                    && rig.life("2", of: "desk").state == "cancelled"
            }
        }

        let asked = ["RentalAgreed", "RentalCancellationRequested"].map {
            rig.server.contents.events($0, owner: "desk").count
        }
        #expect(asked == [1, 1])
    }

    @Test func whoHasLostThatItIsToUndoIsToldAgain() async throws {
        let rig = try TripRig(lasting: .seconds(200))
        let desk = try rig.runtime(Rental.desk)
        try await rig.running([Rental.garage]) {
            try await rig.until("it listens") {
                rig.server.contents.streams["desk:RentalCancellationRequested"] != nil
            }
        }
        _ = try await desk.begin("1", RentalAsked())
        _ = try await desk.requestCancellation(of: "1", reason: BusinessFailure("asked"))
        try lose("desk:RentalCancellationRequested", at: "garage", rig)

        try await rig.running([Rental.desk, Rental.garage]) {
            try await rig.until("it is cancelled") {
                rig.life("1", of: "desk").state == "cancelled"
            }
        }

        let asked = rig.server.contents.events("RentalCancellationRequested", owner: "desk")
        #expect(asked.count == 2)
    }

    // MARK: -

    /// A rental that is agreed, of which the garage has not heard yet.
    private func agreed() async throws -> TripRig {
        let rig = try TripRig(lasting: .seconds(300))
        _ = try await rig.runtime(Rental.desk).begin("1", RentalAsked())
        try await rig.running([Rental.garage]) {
            try await rig.until("the car is held") { ledger(rig, "garage")["hold"] != nil }
        }
        try await rig.running([Rental.desk]) {
            try await rig.until("it is agreed") {
                rig.life("1", of: "desk").state == "completed"
            }
        }
        return rig
    }

    /// A group has dealt with all of a stream, and nothing came of it.
    private func lose(_ stream: String, at group: String, _ rig: TripRig) throws {
        try rig.server.change { data throws(SagaError) in
            let last = data.streams[stream]?.lastNumber ?? 0
            data.streams[stream]?.groups[group]?.lastDelivered = last
        }
    }

    private func ledger(_ rig: TripRig, _ service: String) -> [String: String] {
        rig.server.contents.ledger(service, "1")
    }
}

extension TripRig {
    fileprivate func life(_ saga: String, of owner: String) -> LedgerEntry {
        LedgerEntry(server.contents.ledger(owner, saga)["lifecycle"] ?? "")
    }
}
