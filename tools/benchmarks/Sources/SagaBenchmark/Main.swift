import InstantShop
import NIOCore
import RedisReference
import Saga
import SagaRedis
import TroupeRedis
import TroupeRedisTestKit

// Order sagas through the four services in one process, with an instant payment company and
// carrier; redis-server beside it with its append-only file, fsync every second.
//
//   swift run -c release --package-path tools/benchmarks SagaBenchmark [sagas] [rate] [seconds]
//                                                        SagaBenchmark timers [sagas]
//                                                        SagaBenchmark blocked [sagas] [seconds]

@main
enum SagaBenchmark {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        switch CommandLine.arguments.dropFirst().first {
        case "timers": return try await TimerLoad.measure(arguments.first ?? 100_000)
        case "blocked":
            return try await BlockedCompany.measure(
                arguments.first ?? 10_000, seconds: arguments.dropFirst().first ?? 600)
        default: break
        }
        let sagas = arguments.first ?? 50_000
        let rate = arguments.dropFirst().first ?? 500
        let seconds = arguments.dropFirst(2).first ?? 20
        let reference = try await ScriptReference.measure(on: launch())
        try await measureThroughput(sagas, reference: reference)
        if rate > 0 { try await measureLatency(rate: rate, seconds: seconds) }
    }

    static func launch() async throws -> RedisServer {
        try await RedisServer.launch(
            RedisServer.Options(
                isDurable: true,
                arguments: [
                    "--appendfsync", "everysec", "--auto-aof-rewrite-min-size", "4gb",
                ]))
    }

    private static func measureThroughput(_ sagas: Int, reference: Double) async throws {
        let server = try await launch()
        let shop = try Shop(server: server)
        try await shop.stock(sagas * 2)
        try await shop.running {
            let before = try await memory(of: shop.redis)
            let usageBefore = try await Usage(shop.redis)
            let started = ContinuousClock.now
            try await shop.order(sagas)
            let begun = ContinuousClock.now - started
            try await shop.finished(sagas)
            let took = ContinuousClock.now - started
            let bytes = (try await memory(of: shop.redis) - before) / sagas
            print("\(sagas) order sagas, 7 transitions each, instant payment company and carrier")
            print("  all begun after   \(begun.seconds) s")
            print("  all finished after \(took.seconds) s")
            print("  throughput        \(Int(Double(sagas) / took.seconds)) sagas/s (goal 5000)")
            let transitions = Double(sagas * 7) / took.seconds
            print("  of the reference  \((transitions / reference).rounded2)")
            print("  in Redis          \(bytes) bytes a saga, events included (goal 8192)")
            try await Usage(shop.redis).print(since: usageBefore, sagas: sagas)
            try await printCommands(shop, sagas: sagas)
        }
        await shop.redis.shutdown()
        await server.stop()
    }

    private static func measureLatency(rate: Int, seconds: Int) async throws {
        let server = try await launch()
        let shop = try Shop(server: server)
        let sagas = rate * seconds
        try await shop.stock(sagas * 2)
        try await shop.running {
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<sagas {
                    let due = start + .nanoseconds(1_000_000_000 / rate * number)
                    if due > .now { try await Task.sleep(until: due, clock: .continuous) }
                    group.addTask { try await shop.order() }
                }
                try await group.waitForAll()
            }
            try await shop.finished(sagas)
            let times = try await latencies(shop).sorted()
            print("\(rate) sagas/s for \(seconds) s, from OrderCreated to OrderCompleted")
            for percent in [50, 90, 99] {
                print("  p\(percent)  \(times[times.count * percent / 100]) ms")
            }
            print("  max  \(times.last ?? 0) ms (goal: p99 at most 25 ms)")
        }
        await shop.redis.shutdown()
        await server.stop()
    }

    /// By the server's clock: the IDs of both events in their streams.
    private static func latencies(_ shop: Shop) async throws -> [Int] {
        var begun: [String: Int] = [:]
        var times: [Int] = []
        for type in ["OrderCreated", "OrderCompleted"] {
            let stream = SagaKeys().stream(type, owner: "order")
            for entry in try await shop.redis.send(.xrange(stream)).streamEntries() {
                guard let saga = entry["correlationid"].map({ String(buffer: $0) }),
                    let time = Int(entry.id.prefix { $0 != "-" })
                else { continue }
                if type == "OrderCreated" {
                    begun[saga] = time
                } else {
                    times.append(time - (begun[saga] ?? 0))
                }
            }
        }
        return times
    }

    /// What the server holds, in bytes.
    static func memory(of redis: RedisClient) async throws -> Int {
        let text = try await redis.send(RedisCommand("INFO", ["memory"])).string ?? ""
        let line = text.split(separator: "\r\n").first { $0.hasPrefix("used_memory:") }
        return line.flatMap { Int($0.dropFirst("used_memory:".count)) } ?? 0
    }

    /// What the server had to do for a saga.
    private static func printCommands(_ shop: Shop, sagas: Int) async throws {
        let text = try await shop.redis.send(RedisCommand("INFO", ["commandstats"])).string ?? ""
        for line in text.split(separator: "\r\n") where line.hasPrefix("cmdstat_") {
            let fields = line.split { ":=,".contains($0) }
            guard fields.count > 6, let calls = Double(fields[2]), let time = Double(fields[4]),
                calls / Double(sagas) > 0.01
            else { continue }
            print(
                "  \(fields[0].dropFirst(8))  \((calls / Double(sagas)).rounded2) a saga, "
                    + "\((time / Double(sagas)).rounded2) µs of the server a saga")
        }
    }
}

extension Duration {
    var seconds: Double {
        let (seconds, attoseconds) = components
        return (Double(seconds) + Double(attoseconds) / 1e18).rounded2
    }
}

extension Double {
    var rounded2: Double { (self * 100).rounded() / 100 }
}
