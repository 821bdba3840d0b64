import CloudEvents
import Logging
import NIOCore
import OrderContracts
import Saga
import SagaRedis
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import InventoryService

/// An event, or a record, with a number that makes no sense ends neither the process nor the stock.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct PoisonEventTests {
    private static let numbers = [Int.min, Int.min + 1, -1, 0, Int.max]

    @Test func numbersThatMakeNoSenseBecomeLettersAndTheStockStays() async throws {
        try await running { rig in
            for (saga, number) in Self.numbers.enumerated() {
                try await add("PaymentProcessed", ServiceName.payment, "p\(saga)", number, rig)
                try await add("OrderCompleted", ServiceName.order, "c\(saga)", number, rig)
            }
            try await add("PaymentProcessed", ServiceName.payment, "sound", 2, rig)

            try await eventually("all are set aside, and the sound one is reserved") {
                let stock = try await rig.store.reader.fields(of: "stock:7")
                return try await letters(rig).count == 2 * Self.numbers.count
                    && stock["reserved"] == "2"
            }
            #expect(try await letters(rig).allSatisfy { $0 == "undecodable" })
            #expect(
                try await rig.store.reader.fields(of: "stock:7")
                    == ["available": "8", "reserved": "2"])
        }
    }

    @Test func aReservationThatMakesNoSenseIsNotReleased() async throws {
        try await running { rig in
            for (saga, number) in Self.numbers.enumerated() {
                _ = try await rig.store.transition(
                    Changes {
                        $0.set(
                            RecordName("reservation", id: "r\(saga)"),
                            ["product": "7", "quantity": "\(number)"])
                    })
                let ledger = rig.keys.ledger(
                    named: "r\(saga)", by: SagaNaming([]), service: ServiceName.inventory)
                _ = try await rig.redis.send(
                    RedisCommand("HSET", [.string(ledger), "reserve", "done e"]))
                let event = CloudEvent(
                    source: "/order", type: "OrderCancellationRequested", subject: "r\(saga)",
                    coordination: "choreography", route: ServiceName.route,
                    data: Array(#"{"reason":"x","detail":"x"}"#.utf8))
                try await add(event, ServiceName.order, rig)
            }

            try await eventually("all are blocked") {
                let blocked = rig.keys.blocked(ServiceName.inventory)
                return try await rig.redis.send(RedisCommand("ZCARD", [.string(blocked)])).integer
                    == Self.numbers.count
            }
            #expect(try await letters(rig).isEmpty)
            #expect(try await rig.store.reader.fields(of: "stock:7") == ["available": "10"])
        }
    }

    private struct Rig: Sendable {
        let redis: RedisClient
        let store: RecordStore
        let keys: SagaKeys
    }

    private func running(_ body: @escaping @Sendable (Rig) async throws -> Void) async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            var configuration = SagaRuntimeConfiguration()
            configuration.namespace = prefix
            configuration.compensationGiveUpAfter = .milliseconds(50)
            let logger = Logger.silent
            let runtime = try SagaRuntime(
                .inventory(), redis: redis, configuration: configuration, logger: logger)
            _ = try await runtime.store.transition(
                Changes { $0.set("stock:7", ["available": "10"]) })
            let rig = Rig(
                redis: redis, store: runtime.store, keys: SagaKeys(namespace: prefix))
            try await withThrowingTaskGroup { group in
                group.addTask { try await runtime.run() }
                try await body(rig)
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }

    private func add(
        _ type: String, _ owner: String, _ saga: String, _ number: Int, _ rig: Rig
    ) async throws {
        let address = #"{"city":"c","country":"NL","postcode":"3511","street":"s"}"#
        let event = CloudEvent(
            source: "/\(owner)", type: type, subject: saga, coordination: "choreography",
            route: ServiceName.route,
            data: Array(
                (#"{"userId":"1","productId":"7","quantity":\#(number),"chargeId":"ch","#
                    + #""amount":{"amount":1,"currency":"EUR"},"shipping":\#(address)}"#).utf8))
        try await add(event, owner, rig)
    }

    private func add(_ event: CloudEvent, _ owner: String, _ rig: Rig) async throws {
        _ = try await rig.redis.send(
            .xadd(rig.keys.stream(event.type, owner: owner), ["data": .bytes(event.json())]))
    }

    private func letters(_ rig: Rig) async throws -> [String] {
        try await rig.redis.send(.xrange(rig.keys.dead(ServiceName.inventory))).streamEntries()
            .compactMap { $0["reason"].map { String(buffer: $0) } }
    }
}
