import Foundation
import RedisReference
import TroupeRedis
import TroupeRedisTestKit

// Orders placed through the gateway as a client does, by wrk: services, gateway and the sandbox of
// payment company and carrier in one process, redis-server with its append-only file beside it.
//
//   swift build -c release --product troupe
//   swift run -c release --package-path tools/benchmarks OrdersBenchmark [seconds] [connections]

@main
enum OrdersBenchmark {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let seconds = arguments.first ?? 15
        let connections = arguments.dropFirst().first ?? 64
        let reference = try await ScriptReference.measure(on: launch())
        let server = try await launch()
        let system = try RunningSystem.start(redisPort: server.port)
        defer { system.stop() }
        try await system.ready()
        try await system.setStock(10_000_000)
        // What is measured is neither the first connections nor code that has never run.
        _ = try system.placeOrders(seconds: 2, connections: connections)
        let redis = server.client()
        try await finished(redis)
        let before = try await length("OrderCreated", owner: "order", redis)
        let started = ContinuousClock.now
        let placed = try system.placeOrders(seconds: seconds, connections: connections)
        try await finished(redis)
        let took = ContinuousClock.now - started
        let orders = try await length("OrderCreated", owner: "order", redis) - before
        let completed = try await length("OrderCompleted", owner: "order", redis)
        print("\(system.command)")
        print("cores: \(ProcessInfo.processInfo.activeProcessorCount), nothing pinned")
        print(placed.text)
        print("POST /orders         \(Int(placed.rate)) requests/s (goal 1250)")
        let rate = Double(orders) / took.inSeconds
        print("to the last dispatch \(Int(rate)) orders/s, \(orders) orders")
        print("of the reference     \((rate * 7 / reference * 100).rounded() / 100)")
        print("completed in all     \(completed)")
        await redis.shutdown()
        await server.stop()
    }

    private static func launch() async throws -> RedisServer {
        try await RedisServer.launch(
            RedisServer.Options(isDurable: true, arguments: ["--appendfsync", "everysec"]))
    }

    /// Waits until every order that was placed is dispatched or cancelled.
    private static func finished(_ redis: RedisClient) async throws {
        while true {
            let created = try await length("OrderCreated", owner: "order", redis)
            let dispatched = try await length("ShipmentDispatched", owner: "shipping", redis)
            let cancelled = try await length("OrderCancelled", owner: "order", redis)
            if dispatched + cancelled >= created { return }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private static func length(
        _ type: String, owner: String, _ redis: RedisClient
    ) async throws -> Int {
        try await redis.send(.xlen("saga:{\(owner)}:\(type)")).integer ?? 0
    }
}

extension Duration {
    fileprivate var inSeconds: Double { self / .seconds(1) }
}
