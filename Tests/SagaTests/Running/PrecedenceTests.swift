import CloudEvents
import SagaTestKit
import Testing

@testable import Saga

@Suite(.timeLimit(.minutes(1)))
struct PrecedenceTests {
    private let streams: [ConsumedStream]
    private let precedence: Precedence

    init() throws {
        streams = ConsumedStream.all(of: try ParticipantPlan(OrderSaga.inventory), key: \.type)
        precedence = Precedence(streams)
    }

    private func entry(
        _ type: String, data: String = "{}", version: Int = 1, in epoch: StoreEpoch = StoreEpoch(),
        route: String? = nil
    ) throws -> HeldEntry {
        let stream = try #require(streams.firstIndex { $0.type == type })
        let event = CloudEvent(
            source: "/a", type: type, subject: "1", route: route, dataVersion: version,
            data: Array(data.utf8))
        return HeldEntry(
            stream: stream, id: "1-0", content: .event(event), deliveredBefore: false,
            epoch: epoch)
    }

    private let reason = #"{"reason":"r","detail":"d"}"#

    @Test func whatUndoesAStepGoesBeforeWhatStartsIt() throws {
        let start = try entry("PaymentProcessed")
        let failure = try entry("ShippingFailed", data: reason)
        let request = try entry("OrderCancellationRequested", data: reason)
        let finish = try entry("OrderCompleted")

        #expect(precedence.goesFirst(failure) && precedence.goesFirst(request))
        #expect(!precedence.goesFirst(start) && !precedence.goesFirst(finish))
        #expect(precedence.calledOff(by: failure, of: start) == ["reserve"])
        #expect(precedence.calledOff(by: request, of: start) == ["reserve"])
        #expect(precedence.calledOff(by: failure, of: finish) == [])
        #expect(precedence.calledOff(by: request, of: failure) == [])
        let later = try entry("PaymentProcessed", in: StoreEpoch(1))
        #expect(precedence.calledOff(by: failure, of: later) == [])
    }

    /// Sagas of two routes may have the same ID.
    @Test func whatUndoesASagaCallsOffNothingOfAnotherRoute() throws {
        let start = try entry("PaymentProcessed", route: "order")

        for (route, callsOff) in [("order", true), ("renewal", false), (nil, true)] {
            let failure = try entry("ShippingFailed", data: reason, route: route)
            let steps = precedence.calledOff(by: failure, of: start)
            #expect(steps.isEmpty != callsOff, "\(route ?? "")")
        }
    }

    private struct GiftAsked: SagaEvent { static let owner = "gifts" }
    private struct GiftSent: SagaEvent { static let owner = "gifts" }
    private struct GiftCancelled: ReasonEvent {
        static let owner = "gifts"
        var reason, detail: String
    }
    private struct GiftWithdrawn: ReasonEvent {
        static let owner = "gifts"
        var reason, detail: String
    }

    /// What undoes a step on one route undoes none of the same name on another.
    @Test func aStepOfTheSameNameOnAnotherRouteIsNotCalledOff() throws {
        let hold = Leg(
            "reserve", by: "inventory", on: GiftAsked.self, emits: ProductReserved.self,
            orElse: ProductReservationFailed.self, undone: ProductReleased.self)
        let ends = RouteOwner(
            "gifts", begins: GiftAsked.self, completes: GiftSent.self, on: ProductReserved.self,
            cancelled: GiftCancelled.self, request: GiftWithdrawn.self)
        let gifts = Route("gift", owner: ends) { hold }
        let both = OrderSaga.inventory.also(on: gifts) {
            Perform(hold) { _, _ in
                Transition(ProductReserved())
            } undo: { _ in
            }
        }
        let streams = ConsumedStream.all(of: try ParticipantPlan(both), key: \.type)
        let precedence = Precedence(streams)
        func entry(_ type: String, _ route: String?) throws -> HeldEntry {
            HeldEntry(
                stream: try #require(streams.firstIndex { $0.type == type }), id: "1-0",
                content: .event(
                    CloudEvent(
                        source: "/a", type: type, subject: "1", route: route,
                        data: Array(reason.utf8))),
                deliveredBefore: false)
        }
        let failure = try entry("ShippingFailed", ShopRoute.route.name)

        #expect(
            precedence.calledOff(by: failure, of: try entry("PaymentProcessed", nil)) == ["reserve"]
        )
        #expect(precedence.calledOff(by: failure, of: try entry("GiftAsked", nil)) == [])
        #expect(precedence.calledOff(by: failure, of: try entry("GiftAsked", "gift")) == [])
    }

    /// It will be a letter, and what is under way goes on.
    @Test func whatCannotBeReadGoesBeforeNothing() throws {
        #expect(!precedence.goesFirst(try entry("ShippingFailed", data: "{}")))
        #expect(!precedence.goesFirst(try entry("ShippingFailed", data: reason, version: 2)))
    }
}
