import InventoryService
import OrderContracts
import OrderService
import PaymentService
import Saga
import ShippingService
import Testing

/// The contracts list what the participants declare.
@Suite(.timeLimit(.minutes(1)))
struct DeclaredEventsTests {
    private static let participants: [Participant] = [
        .order(deadline: .seconds(30)),
        .payment(company: BookkeepingCompany(), giveUpAfter: .seconds(1)), .inventory(),
        .shipping(carrier: BookkeepingCarrier(), giveUpAfter: .seconds(1)),
    ]

    @Test func theFourParticipantsFitTogether() {
        #expect(Route.order.faults == [])
        #expect(Participant.faults(between: Self.participants) == [])
    }

    @Test func everyEventThatAParticipantEmitsIsInTheContractsAndNoOther() {
        let participants = Self.participants

        let declared = Set(participants.flatMap(emitted))
        let listed = OrderSaga.events.map { "\($0.owner):\($0.type)" }

        #expect(declared == Set(listed))
        #expect(listed.count == Set(listed).count)
        #expect(participants.filter { $0.lifecycle != nil }.map(\.name) == [OrderSaga.owner])
    }

    private func emitted(by participant: Participant) -> [String] {
        var kinds = participant.steps.flatMap { step in
            [step.success, step.failure] + step.compensations.map(\.answer)
                + step.finishes.compactMap(\.emits)
                + (step.reconciliation.map { [$0.asking.kind] } ?? [])
        }
        if let lifecycle = participant.lifecycle {
            kinds.append(lifecycle.begins)
            kinds += lifecycle.completions.map(\.emits) + lifecycle.requests.map(\.emits)
            if let cancelled = lifecycle.cancelled { kinds.append(cancelled.emits) }
        }
        return kinds.map { "\($0.owner):\($0.type)" }
    }
}
