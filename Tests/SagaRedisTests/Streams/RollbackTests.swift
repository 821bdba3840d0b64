import Saga
import SagaRedis
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// Redis comes back with data that are older than what services have in memory.
@Suite(.timeLimit(.minutes(3)))
struct RollbackTests {
    /// Sagas that Redis still knows end as if nothing had been; those that it forgot leave
    /// nothing in it.
    @Test(arguments: [10, 25, 40])
    func whatRedisKnowsEndsWellAlthoughServicesKnowMore(count: Int) async throws {
        let server = try await RedisServer.launch(RedisServer.Options(isDurable: true))
        try await ShopRig.with(server: server) { rig in
            try await rig.running { order in
                for number in 0..<count { _ = try await order.begin("a\(number)", OrderCreated()) }
                try server.keepCopy()
                for number in 0..<count { _ = try await order.begin("b\(number)", OrderCreated()) }
                try await rig.until("some are dispatched") {
                    rig.saga.world.done("dispatch").count > count / 2
                }
                await server.kill()
                try await server.startFromCopy()
                for number in 0..<count {
                    try await rig.until("a\(number) is completed") {
                        try await order.status(of: "a\(number)") == .completed
                    }
                    try await rig.settled("a\(number)", order, as: .completed)
                }
                for number in 0..<count {
                    guard try await order.status(of: "b\(number)") != nil else { continue }
                    try await rig.settled("b\(number)", order, as: .completed)
                }
            }

            let known = try await rig.events("OrderCompleted", owner: "order").count
            #expect(
                try await rig.stock()
                    == ["available": 1000 - known, "reserved": 0, "shipped": known])
            for service in ["order", "payment", "inventory", "shipping"] {
                let letters = try await rig.deadLetters(service)
                #expect(letters.isEmpty, "\(service): \(letters)")
            }
        }
        await server.stop()
    }

    /// What was lost has to be done again, and what is dispatched is not to be refunded meanwhile.
    @Test func noSagaIsCancelledForTheTimeThatRedisWasAway() async throws {
        let deadline = Duration.seconds(3)
        let server = try await RedisServer.launch(RedisServer.Options(isDurable: true))
        try await ShopRig.with(server: server, deadline: deadline) { rig in
            let count = 20
            try await rig.running { order in
                for number in 0..<count { _ = try await order.begin("\(number)", OrderCreated()) }
                try server.keepCopy()
                let begun = ContinuousClock.now
                try await rig.until("all are dispatched") {
                    rig.saga.world.done("dispatch").count == count
                }
                await server.kill()
                try await rig.until("their time is over") { .now > begun + deadline }
                try await server.startFromCopy()

                for number in 0..<count {
                    try await rig.until("\(number) has an end") {
                        try await order.status(of: "\(number)")?.isFinal == true
                    }
                    try await rig.settled("\(number)", order, as: .completed)
                }
                #expect(order.faults.isEmpty)
            }
            #expect(try await rig.stock()["shipped"] == count)
        }
        await server.stop()
    }
}
