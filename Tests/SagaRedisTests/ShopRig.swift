import CloudEvents
import Logging
import NIOCore
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import Saga
@testable import SagaRedis

/// The shop on a real Redis, in a namespace of its own.
struct ShopRig: Sendable {
    let saga: ShopSaga
    let redis: RedisClient
    let configuration: SagaRuntimeConfiguration
    var keys: SagaKeys { SagaKeys(namespace: configuration.namespace) }

    /// Gives a rig with stock to `body`.
    static func with(
        server: RedisServer = .current, port: Int? = nil, stock: Int = 1000,
        deadline: Duration = .seconds(30),
        _ change: (inout SagaRuntimeConfiguration) -> Void = { _ in },
        _ body: (ShopRig) async throws -> Void
    ) async throws {
        let redis = server.client {
            if let port { $0.address = .tcp(host: "127.0.0.1", port: port) }
        }
        var configuration = SagaRuntimeConfiguration()
        configuration.namespace = "test" + String(UInt64.random(in: 0 ... .max), radix: 36)
        configuration.consumerName = "replica"
        configuration.drainInterval = .milliseconds(200)
        configuration.giveUpAfter = .milliseconds(300)
        configuration.compensationGiveUpAfter = .seconds(20)
        configuration.retry = RetrySchedule(
            pauseMinimum: .milliseconds(5), pauseMaximum: .milliseconds(50))
        configuration.blockedRetry = RetrySchedule(
            pauseMinimum: .milliseconds(100), pauseMaximum: .milliseconds(400))
        change(&configuration)
        let rig = ShopRig(
            saga: ShopSaga(deadline: deadline), redis: redis, configuration: configuration)
        do {
            // A store that has been there for long, into which tests put what they want.
            for service in ["order", "payment", "inventory", "shipping", "depot"] {
                _ = try await redis.send(.set(rig.keys.born(service), "0 1"))
            }
            _ = try await rig.store("inventory").transition(
                Changes { $0.set("stock:1", ["available": "\(stock)"]) })
            try await body(rig)
        } catch {
            await redis.shutdown()
            throw error
        }
        await redis.shutdown()
    }

    func store(_ service: String) -> RecordStore {
        RecordStore(service: service, redis: redis, namespace: configuration.namespace)
    }

    func sagaStore(_ service: String) -> RedisSagaStore {
        RedisSagaStore(
            redis: redis, service: service, names: keys, ledgerTimeToLive: .seconds(100_000),
            naming: SagaNaming([]))
    }

    func writer(_ service: String) -> TransitionWriter {
        TransitionWriter(
            service: service, store: sagaStore(service), clock: SystemSagaClock(),
            chance: SystemSagaChance(), metrics: SagaMetrics(service: service))
    }

    func runtime(_ participant: Participant, consumer: String? = nil) throws -> SagaRuntime {
        var configuration = configuration
        if let consumer { configuration.consumerName = consumer }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try SagaRuntime(
            participant, redis: redis, configuration: configuration, logger: logger)
    }

    /// Runs participants while `body` runs, which gets the one that begins sagas.
    func running<Value: Sendable>(
        _ participants: [Participant]? = nil, _ body: (SagaRuntime) async throws -> Value
    ) async throws -> Value {
        let order = try runtime(saga.order)
        let runtimes = try (participants ?? saga.all).map {
            $0.name == "order" ? order : try runtime($0)
        }
        let tasks = runtimes.map { runtime in Task { try await runtime.run() } }
        let result: Result<Value, any Error>
        do { result = .success(try await body(order)) } catch { result = .failure(error) }
        for task in tasks { task.cancel() }
        for task in tasks { try await task.value }
        return try result.get()
    }

    /// The key under which the world outside knows a step.
    func key(_ sagaID: String, _ participant: String, _ step: String) -> String {
        "\(configuration.namespace):saga:\(sagaID):\(participant):\(step)"
    }

    /// Leaves a stream no ID for another entry.
    func exhaust(_ stream: String) async throws {
        let last = "18446744073709551615-18446744073709551615"
        _ = try await redis.send(
            RedisCommand("XADD", [.string(stream), .string(last), "data", "x"]))
        _ = try await redis.send(RedisCommand("XDEL", [.string(stream), .string(last)]))
    }

    /// Leaves the mark of a replica of payments that died while it tried all events of a type.
    func mark(_ type: String, as state: String, of consumer: String) async throws {
        let lines = try await entries(type, owner: "order").map { "\(state) \(type) \($0.id)" }
        let text = (["the dead"] + lines).joined(separator: "\n")
        let key = keys.trying(consumer, service: "payment")
        _ = try await redis.send(.set(key, .string(text)))
    }

    // MARK: - Looking

    func fields(_ service: String, _ record: RecordName) async throws -> [String: String] {
        try await store(service).reader.fields(of: record)
    }

    func stock() async throws -> [String: Int] {
        try await fields("inventory", "stock:1").compactMapValues { Int($0) }
    }

    func ledger(_ service: String, _ sagaID: String, _ step: String) async throws -> String? {
        try await redis.send(
            RedisCommand(
                "HGET", [.string(keys.ledger(sagaID, service: service)), .string(step)])
        ).string.map { String($0.prefix { $0 != " " }) }
    }

    func entries(_ type: String, owner: String) async throws -> [RedisStreamEntry] {
        try await redis.send(.xrange(keys.stream(type, owner: owner))).streamEntries()
    }

    func events(_ type: String, owner: String) async throws -> [CloudEvent] {
        try await entries(type, owner: owner).compactMap { $0["data"] }.map {
            try CloudEvent(json: Array($0.readableBytesView))
        }
    }

    func deadLetters(_ service: String) async throws -> [[String: String]] {
        try await redis.send(.xrange(keys.dead(service))).streamEntries().map { entry in
            Dictionary(
                entry.fields.map { ($0.name, String(buffer: $0.value)) }, uniquingKeysWith: { $1 })
        }
    }

    func timeToLive(of key: String) async throws -> Int? {
        try await redis.send(RedisCommand("TTL", [.string(key)])).integer
    }

    func pending(_ type: String, owner: String, group: String) async throws -> Int {
        try await redis.send(.xpending(keys.stream(type, owner: owner), group))[0]?.integer ?? 0
    }

    /// Waits until `condition` holds, and says so if it does not within the time.
    func until(
        _ what: String, within limit: Duration = .seconds(20),
        sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: () async throws -> Bool
    ) async throws {
        try await eventually(what, within: limit, sourceLocation: sourceLocation) {
            (try? await condition()) == true
        }
    }

    /// Waits until a saga ended and everything that follows from it was dealt with.
    func settled(
        _ sagaID: String, _ order: SagaRuntime, as status: SagaStatus,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let found = try await order.outcome(of: sagaID, within: .seconds(20))
        #expect(found == status, "\(sagaID)", sourceLocation: sourceLocation)
        guard status == .completed else { return }
        try await until("\(sagaID) is dispatched", sourceLocation: sourceLocation) {
            let shipped = try await ledger("shipping", sagaID, "arrange")
            let reserved = try await ledger("inventory", sagaID, "reserve")
            return shipped == "finished" && reserved == "finished"
        }
    }
}

extension SagaKeys {
    /// The ledger of a participant of one route.
    func ledger(_ sagaID: String, service: String) -> String {
        ledger(named: sagaID, by: SagaNaming([]), service: service)
    }
}
