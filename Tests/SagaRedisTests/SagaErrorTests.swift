import Saga
import Testing
import TroupeRedis

@testable import SagaRedis

/// What a failed call to Redis tells a saga.
struct SagaErrorTests {
    @Test func anEpochThatIsOverIsToldFromAClientThatWasStopped() {
        let over = SagaError(RedisError(.epochOver, "other data"))
        let stopped = SagaError(RedisError(.closed, "shut down"))

        #expect(over.code == .epochOver && over.code != .stopped)
        #expect(over.retry == .never, "the same call fails again; what Redis holds is read again")
        #expect(stopped.code == .stopped && stopped.retry == .never)
    }
}
