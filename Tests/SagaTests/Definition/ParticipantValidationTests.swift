import Saga
import SagaTestKit
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ParticipantValidationTests {
    @Test func theOrderSagaHasNoFaults() throws {
        #expect(Participant.faults(between: OrderSaga.all) == [])

        let plan = try ParticipantPlan(OrderSaga.inventory)

        #expect(
            plan.typesByOwner == [
                "order": ["OrderCancellationRequested", "OrderCancelled", "OrderCompleted"],
                "payment": ["PaymentProcessed"], "shipping": ["ShippingFailed"],
            ])
    }

    @Test func anOwnerSaysThatItsSagasAreBeingCancelledByItself() {
        #expect(OrderSaga.order.emitted.map(\.type).contains("OrderCancelling"))
        #expect(!OrderSaga.payment.emitted.map(\.type).contains { $0.hasSuffix("Cancelling") })
        #expect(EventKind(cancellingOf: "night-trips").type == "NightTripsCancelling")
        struct TripsCancelling: ReasonEvent {
            static let owner = "trips"
            var reason: String
            var detail: String
        }
        let taken = Participant("trips") {
            Lifecycle(begins: OrderCreated.self, answers: [:])
                .cancelsOnRequest(awaiting: [], emits: TripsCancelling.self) { reason, _ in
                    Transition(TripsCancelling(reason: reason.reason, detail: ""))
                }
        }
        #expect(
            taken.faults.contains(
                "TripsCancelling is said by itself of each saga that is being cancelled"))
        let uncancelled = Participant("order") {
            Lifecycle(begins: OrderCreated.self, answers: [:])
                .completes(on: ShipmentArranged.self, emits: OrderCompleted.self) { _, _ in
                    Transition(OrderCompleted())
                }
        }
        #expect(uncancelled.faults == [])
        #expect(uncancelled.emitted.map(\.type) == ["OrderCreated", "OrderCompleted"])
    }

    @Test func everyFaultOfAStepIsListed() {
        let participant = Participant("payment") {
            step("charge")
            step("charge").compensated(
                by: [OrderCreated.self, ShippingFailed.self], emits: ProductReleased.self,
                giveUpAfter: .zero,
                nothingToUndo: { _ in Transition(ProductReleased()) },
                undo: { _ in Transition(ProductReleased()) })
            step("Lifecycle 1").needsNoCompensation()
        }

        let error = #expect(throws: SagaError.self) { try ParticipantPlan(participant) }

        #expect(error?.code == .invalidDefinition)
        let message = error?.message ?? ""
        for fault in [
            "two steps are named 'charge'", "step 'charge' has no compensation",
            "step 'charge' takes OrderCreated in two ways",
            "step 'charge' emits ProductReleased, which 'inventory' owns",
            "the compensation of step 'charge' gives up after no time",
            "step 'Lifecycle 1' has to start with a-z",
        ] {
            #expect(message.contains(fault), "\(fault) is missing in \(message)")
        }
    }

    @Test func everyFaultOfALifecycleIsListed() {
        let participant = Participant("order") {
            Lifecycle(
                begins: OrderCreated.self, deadline: .zero,
                answers: ["payment": [PaymentRefunded.self, PaymentRefunded.self]]
            )
            .cancels(on: ShippingFailed.self, awaiting: ["payment", "inventory"])
        }

        let faults = participant.faults.joined(separator: "; ")

        for fault in [
            "never completes", "does not say what cancelled is", "deadline is not ahead",
            "no cancelsOnRequest to fire", "awaits 'inventory'",
            "takes PaymentRefunded in two ways",
        ] {
            #expect(faults.contains(fault), "\(fault) is missing in \(faults)")
        }
    }

    @Test func participantsThatDoNotFitAreTold() {
        let faults = Participant.faults(between: [OrderSaga.order, OrderSaga.payment])

        #expect(faults.contains("order: nobody emits ShipmentArranged"))
        #expect(faults.contains("payment: nobody emits ShippingFailed"))
        #expect(!faults.contains { $0.hasPrefix("payment: nobody emits OrderCreated") })
    }

    @Test func anIDFromAUserCannotLeaveItsPlaceInAName() {
        let id = "1}:x:{other} \n%"

        let name: RecordName = "payment:\(id)"

        #expect(name.description == "payment:1%7D%3Ax%3A%7Bother%7D%20%0A%25")
        #expect(name == RecordName("payment", id: id))
    }

    private func step(_ name: String) -> Step {
        Step(
            name, on: OrderCreated.self, emits: PaymentProcessed.self,
            orElse: { failure, _ in Transition(PaymentFailed(reason: failure.reason)) }
        ) { _, _ in
            Transition(PaymentProcessed())
        }
    }
}
