import SagaTestKit
import Testing

@testable import Saga

@Suite(.timeLimit(.minutes(1)))
struct RuntimeHealthTests {
    private let start = ContinuousClock.now

    @Test func aRefusalToPublishCountsAtOnceAndIsForgotten() {
        let health = RuntimeHealth()
        health.publish(["OrderCreated"], "NOPERM", at: start)
        #expect(health.faults(at: start) == ["Redis refuses to publish events: NOPERM"])
        #expect(health.faults(at: start + .seconds(14)).count == 1)
        #expect(health.faults(at: start + .seconds(15)) == [])

        health.publish(["OrderCreated"], "NOPERM", at: start + .seconds(20))
        #expect(health.faults(at: start + .seconds(20)).count == 1)
        health.publish(["OrderCreated"], nil, at: start + .seconds(21))
        #expect(health.faults(at: start + .seconds(21)) == [])
    }

    @Test func whatIsLeftHalfWrittenCountsAtOnce() {
        let health = RuntimeHealth()
        #expect(health.faults().isEmpty)
        health.halfApplied(SagaError(.halfApplied, "after the first write"))
        health.request(nil)
        health.transition(nil)

        #expect(health.faults().count == 1)
        #expect(health.faults().first?.contains("see the dead letters") == true)
        #expect(health.faults(at: .now + .seconds(15)).isEmpty)
    }

    @Test func requestsThatFailCountOnceTheyHaveFailedForAWhile() {
        let health = RuntimeHealth()
        let error = SagaError(.unavailable, "Redis: server(ERR)", retry: .later)
        health.request(error)
        #expect(health.faults().isEmpty)
        #expect(health.faults(at: .now + .seconds(6)).count == 1)

        health.request(nil)
        #expect(health.faults(at: .now + .seconds(6)).isEmpty)
    }

    @Test func handlersThatGoOnAreNamedAndKeepNobodyFromWorkUnlessTheyKeepTheirSlots() {
        let health = RuntimeHealth()
        health.deaf(Dispatcher.Deaf(lanes: ["7"], new: ["7"]))
        #expect(health.faults().isEmpty)
        #expect(
            health.impairments == ["a handler goes on although it was cancelled, of saga 7"])

        health.deaf(Dispatcher.Deaf(lanes: ["4", "3", "2", "1"], keepsSlots: true))
        #expect(
            health.faults() == [
                "4 handlers go on although they were cancelled, of sagas 1, 2, 3, …"
            ])
        #expect(health.impairments.isEmpty)

        health.deaf(Dispatcher.Deaf())
        #expect(health.faults().isEmpty && health.impairments.isEmpty)
    }

    @Test func whatIsHeardOfOneEventSaysNothingOfAnother() {
        let health = RuntimeHealth()
        health.publish(["OrderCancelled"], "NOPERM", at: start)
        health.publish(["OrderCreated"], nil, at: start + .seconds(1))
        #expect(health.faults(at: start + .seconds(1)).count == 1)

        health.publish(["OrderCancelled", "OrderCompleted"], "NOPERM", at: start + .seconds(2))
        health.publish(["OrderCompleted"], nil, at: start + .seconds(3))
        #expect(health.faults(at: start + .seconds(3)).count == 1)
        health.publish(["OrderCancelled"], nil, at: start + .seconds(4))
        #expect(health.faults(at: start + .seconds(4)) == [])
    }
}
