import SagaRedis
import Testing
import Timekeeping
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// What the variables of sagas bring about in services that run.
@Suite(
    .timeLimit(.minutes(3)),
    .system(
        .oneProcess,
        [
            "TROUPE_RETENTION": "1s", "TROUPE_CONCURRENCY": "1", "TROUPE_CONSUMER": "north-1",
        ]))
struct LimitedServicesTests {
    @Test func theReplicaBearsItsName() async throws {
        let system = try RunningSystem.current
        let client = system.redis.client()
        let names = SagaKeys()

        for service in ["order", "payment", "inventory", "shipping"] {
            let key = names.consumer("north-1", service: service)
            try await eventually("\(service) bears the name") {
                try await client.send(.get(key)).string != nil
            }
        }
        await client.shutdown()
    }

    /// While the company says nothing to a call, no other order's is made.
    @Test func oneEventAfterTheOtherIsWorkedOn() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 10)
        let slow = try await system.placed(RunningSystem.order(product, token: "tok_timeout"))
        try await eventually("its call is under way") {
            try await !system.records("charges", of: slow).isEmpty
        }

        let next = try await system.placed(RunningSystem.order(product))
        try await eventually("the other is charged, too", within: .seconds(30)) {
            try await !system.records("charges", of: next).isEmpty
        }

        let slowTime = try await Self.time(of: slow, system)
        let nextTime = try await Self.time(of: next, system)
        // A call is given up after two seconds.
        #expect(nextTime - slowTime > 1_500, "\(nextTime - slowTime) ms")
        _ = try await system.ended(slow)
        _ = try await system.ended(next)
    }

    private static func time(of order: String, _ system: RunningSystem) async throws -> Int64 {
        let first = try #require(try await system.records("charges", of: order).first)
        let text = try #require(first.text("createdAt"))
        return try #require(Timestamp(text)).milliseconds
    }
}
