import SagaTestKit
import Testing

@testable import Saga

@Suite(.timeLimit(.minutes(1)))
struct SagaRuntimeConfigurationTests {
    /// What a replica leaves behind is taken over before its sagas are cancelled.
    @Test(arguments: [
        (0, 10_000), (60_000, 10_000), (30_000, 10_000), (12_000, 4_000), (30, 100),
    ])
    func aLeaseIsAtMostAThirdOfTheShortestDeadline(deadline: Int, lease: Int) throws {
        var configuration = SagaRuntimeConfiguration()
        if deadline > 0 { configuration.shortestDeadline = .milliseconds(deadline) }

        try configuration.validate()

        #expect(configuration.leaseInUse == .milliseconds(lease))
    }

    @Test(arguments: [(0, 10_000), (30_000, 10_000), (12_000, 6_000)])
    func aStepIsTriedForHalfOfTheShortestDeadlineAtMost(deadline: Int, limit: Int) throws {
        var configuration = SagaRuntimeConfiguration()
        if deadline > 0 { configuration.shortestDeadline = .milliseconds(deadline) }

        #expect(configuration.giveUpAfterInUse == .milliseconds(limit))
        _ = try configuration.checked(for: try ParticipantPlan(OrderSaga.payment))
    }

    @Test func aStepThatMayOutlastItsSagaIsRefused() throws {
        let plan = try ParticipantPlan(OrderSaga.payment)
        var configuration = SagaRuntimeConfiguration()
        configuration.giveUpAfter = .seconds(5)
        _ = try configuration.checked(for: plan)
        configuration.shortestDeadline = .seconds(5)

        let error = #expect(throws: SagaError.self) { try configuration.checked(for: plan) }

        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains("step 'charge' gives up after 5.0 seconds") == true)
        // Who has no steps has nothing to try.
        _ = try configuration.checked(for: try ParticipantPlan(OrderSaga.order))
        let patient = Participant(ShopRoute.route, "payment") {
            Perform(ShopRoute.charge, giveUpAfter: .seconds(60)) { _, _ in
                Transition(PaymentProcessed())
            } undo: { _ in
                Transition(PaymentRefunded())
            }
        }
        configuration.giveUpAfter = nil
        let own = #expect(throws: SagaError.self) {
            try configuration.checked(for: try ParticipantPlan(patient))
        }
        #expect(own?.message.contains("60.0 seconds") == true)
    }

    @Test func aLeaseAboveAThirdIsRefused() throws {
        var configuration = SagaRuntimeConfiguration()
        configuration.lease = .seconds(10)
        configuration.shortestDeadline = .seconds(30)
        try configuration.validate()

        configuration.lease = .milliseconds(10_001)
        let error = #expect(throws: SagaError.self) { try configuration.validate() }

        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains("a third of the shortest deadline") == true)
    }
}
