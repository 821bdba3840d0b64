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
