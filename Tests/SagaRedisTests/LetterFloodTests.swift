import SagaRedis
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import Saga

/// Thousands of letters of one kind are a few lines in the log.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct LetterFloodTests {
    @Test func aFloodIsOneLineAndACount() async throws {
        try await ShopRig.with { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            for number in 1...200 {
                let bytes = Array("garbage \(number)".utf8)
                _ = try await rig.redis.send(.xadd(stream, ["data": .bytes(bytes)]))
            }
            let log = RecordedLog()
            let payment = try SagaRuntime(
                rig.saga.payment, redis: rig.redis, configuration: rig.configuration,
                logger: log.logger)
            let task = Task { try await payment.run() }
            try await rig.until("all are set aside") {
                let pending = try await rig.pending(
                    "OrderCreated", owner: "order", group: "payment")
                return try await rig.deadLetters("payment").count == 200 && pending == 0
            }
            task.cancel()
            try await task.value

            let all = log.lines.filter { $0.message.contains("dead letter") }
            #expect(
                all.map(\.message) == [
                    "event became a dead letter", "more events became dead letters",
                ])
            let count = all.last?.fields["count"].map { "\($0)" }
            #expect(count == "199")
        }
    }

    @Test func requestsThatAreLeftHalfWrittenAreOneLineToo() async throws {
        try await ShopRig.breakable { rig, forwarder in
            let log = RecordedLog()
            let order = try SagaRuntime(
                rig.saga.order, redis: rig.redis, configuration: rig.configuration,
                logger: log.logger)
            forwarder.breakWrite(BrokenWrite(marker: "OrderCreated", number: 5))

            for id in ["1", "2", "3"] {
                let record = RecordName("order", id: id)
                let changes = Changes {
                    $0.set(record, ["status": "pending"])
                    $0.add(id, to: "orders", score: 1)
                    $0.set("key:1", text: id, timeToLive: .seconds(60))
                }
                await #expect(throws: SagaError.self) {
                    try await order.begin(id, OrderCreated(), changes: changes)
                }
            }

            #expect(try await rig.deadLetters("order").count == 3)
            let told = log.lines.filter {
                $0.message == "a request left its saga half written, which waits for a person"
            }
            #expect(told.count == 1)
        }
    }
}
