import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import Saga
@testable import SagaRedis

/// What services declare, as others find it on Redis.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct DeclaredKeyTests {
    private func declared(
        by service: String, _ rig: ShopRig
    ) async throws -> [String: String] {
        let texts = try await rig.redis.send(.hgetall(rig.keys.declared(service))).strings()
            .map { $0 ?? "" }
        let names = stride(from: 0, to: texts.count - 1, by: 2)
        return Dictionary(uniqueKeysWithValues: names.map { (texts[$0], texts[$0 + 1]) })
    }

    @Test func eachStartReplacesWhatTheOneBeforeHasDeclared() async throws {
        try await ShopRig.with { rig in
            let wanted = try Dictionary(
                uniqueKeysWithValues: rig.saga.all.map {
                    ($0.name, Declaration(try ParticipantPlan($0)).fields)
                })
            _ = try await rig.redis.send(
                .hset(rig.keys.declared("order"), ["emits": "OrderForgotten/1"]))
            for _ in 1...2 {
                try await rig.running { _ in
                    for (service, fields) in wanted {
                        try await rig.until("\(service) declares what it says and hears") {
                            try await declared(by: service, rig) == fields
                        }
                    }
                }
            }
        }
    }

    @Test func whoCannotDeclareAnythingWorksAllTheSame() async throws {
        try await ShopRig.with { rig in
            let key = rig.keys.declared("payment")
            _ = try await rig.redis.send(.set(key, "no hash"))
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.settled("1", order, as: .completed)
            }
            #expect(try await rig.redis.send(.get(key)).string == "no hash")
        }
    }
}
