import Saga
import SagaRedis
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// Redis goes away in the middle of sagas and comes back with what its log kept.
@Suite(.timeLimit(.minutes(2)))
struct OutageTests {
    /// Compensations read their ledger first, and a read that waits is not a handler that hangs.
    @Test func sagasAreUndoneAlthoughRedisStandsStill() async throws {
        let server = try await RedisServer.launch(RedisServer.Options(isDurable: true))
        try await ShopRig.with(server: server) { rig in
            try await rig.running { order in
                var begun: [String] = []
                for round in 0..<3 {
                    for number in 0..<40 {
                        let id = "\(round)-\(number)"
                        if try await order.begin(id, OrderCreated(country: "AQ")) == .applied {
                            begun.append(id)
                        }
                    }
                    server.pause()
                    // Until a call is given up that waits longer than any handler may hang.
                    let answer = try? await rig.redis.send(.ping, timeout: .milliseconds(2_500))
                    #expect(answer == nil)
                    server.resume()
                }
                for id in begun { try await rig.settled(id, order, as: .cancelled) }
            }

            for service in ["order", "payment", "inventory", "shipping"] {
                let letters = try await rig.redis.send(.xlen(rig.keys.dead(service))).integer
                #expect(letters == 0, "\(service)")
            }
            let stock = try await rig.stock()
            #expect(stock["available"] == 1000, "\(stock)")
            #expect(stock["reserved", default: 0] == 0, "\(stock)")
        }
        await server.stop()
    }

    @Test func sagasGoOnWhenAKilledRedisComesBack() async throws {
        let server = try await RedisServer.launch(RedisServer.Options(isDurable: true))
        try await ShopRig.with(server: server) { rig in
            try await rig.running { order in
                var begun: [String] = []
                for round in 0..<3 {
                    for number in 0..<40 {
                        let id = "\(round)-\(number)"
                        if try await order.begin(id, OrderCreated()) == .applied {
                            begun.append(id)
                        }
                    }
                    await server.kill()
                    await #expect(throws: SagaError.self) {
                        _ = try await order.begin("away-\(round)", OrderCreated())
                    }
                    try await server.start()
                    try await rig.until("it heals") {
                        try await order.begin("back-\(round)", OrderCreated())
                            != .rejected(
                                .outcomeUnknown)
                    }
                    begun.append("back-\(round)")
                    try await rig.settled("back-\(round)", order, as: .completed)
                }
                for id in begun { try await rig.settled(id, order, as: .completed) }
            }

            let shipped = rig.saga.world.done("dispatch").count
            #expect(rig.saga.world.done("charge").count == shipped)
            #expect(
                try await rig.stock()
                    == ["available": 1000 - shipped, "reserved": 0, "shipped": shipped])
        }
        await server.stop()
    }
}
