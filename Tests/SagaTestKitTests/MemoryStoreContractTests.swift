import Saga
import SagaTestKit
import Testing

/// The store in memory keeps what any store has to.
@Suite(.timeLimit(.minutes(1)))
struct MemoryStoreContractTests {
    @Test(arguments: StoreContract.promises)
    func keepsEachPromise(promise: StoreContract) async throws {
        try await promise.check(MemorySubject())
    }
}

private struct MemorySubject: StoreContractSubject {
    private let clock: VirtualClock
    private let server: MemoryServer

    init() {
        let clock = VirtualClock()
        self.clock = clock
        server = MemoryServer(clock: clock)
    }

    func ports(of plan: ParticipantPlan, consumer: String) throws -> SagaPorts {
        var configuration = SagaRuntimeConfiguration()
        configuration.consumerName = consumer
        configuration.readBytesMaximum = ContractParties.readBytes
        return server.ports(of: plan, configuration)
    }

    func letTimePass() async {
        async let slept: Void? = try? clock.sleep(for: .milliseconds(10))
        while !clock.advance(), !Task.isCancelled { await Task.yield() }
        _ = await slept
    }

    func beginEpoch() async throws {
        server.goBack(to: server.contents)
    }
}
