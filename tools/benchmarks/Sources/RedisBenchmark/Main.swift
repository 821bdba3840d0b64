import Logging
import NIOCore
import NIOPosix
import RedisReference
import Synchronization
import TroupeRedis
import TroupeRedisTestKit

// How fast one process talks to one server, as a share of what redis-benchmark reaches on the
// same machine in the same run. Reference and subject take turns; the best of each counts.

@main
struct RedisBenchmark {
    static func main() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client()
        print("cores: \(System.coreCount), redis-server without persistence, loopback")
        try await measureGet(server, redis)
        try await measureTransition(server, redis)
        await redis.shutdown()
        await server.stop()
    }

    private static func measureGet(_ server: RedisServer, _ redis: RedisClient) async throws {
        let key = "key:__rand_int__"
        _ = try await redis.send(.set(key, "xxx"))
        let command = "redis-benchmark -p \(server.port) -P 32 -n 2000000 -t get -q"
        var reference = try await Reference.rate(command)
        var lines: [(String, Double)] = []
        for tasks in [64, 400, 1600] {
            let rate = try await rate(tasks: tasks, each: 1) {
                _ = try await redis.send(.get(key))
            }
            lines.append(("\(tasks) tasks, one command at a time", rate))
        }
        let near = try await rate(tasks: 400, each: 1, on: redis.executor) {
            _ = try await redis.send(.get(key))
        }
        lines.append(("400 tasks on the client's executor, one command at a time", near))
        for (tasks, size) in [(16, 32), (16, 100)] {
            let batch = Array(repeating: RedisCommand.get(key), count: size)
            let rate = try await rate(tasks: tasks, each: size) {
                _ = try await redis.send(batch: batch)
            }
            lines.append(("\(tasks) tasks, batches of \(size)", rate))
        }
        let single = try await rate(tasks: 1, each: 1) { _ = try await redis.send(.get(key)) }
        lines.append(("1 task, one command at a time", single))
        reference = max(reference, try await Reference.rate(command))
        report("GET", command, reference, lines, target: 0.30)
    }

    private static func measureTransition(
        _ server: RedisServer, _ redis: RedisClient
    ) async throws {
        let transition = try await RecordedTransition.record(server)
        let command = "redis-benchmark -p \(server.port) -P 32 -n 200000 -r 2147483647 -q "
        var reference = try await rate(of: transition, command, redis)
        var lines: [(String, Double)] = []
        for tasks in [64, 400, 1600] {
            let saga = Atomic(0)
            let rate = try await rate(tasks: tasks, each: 1) {
                let applied = try await RecordedTransition.applied(redis)
                try expect(applied, of: saga.load(ordering: .relaxed))
                saga.store(0, ordering: .relaxed)
                _ = try await redis.send(RedisCommand("FLUSHDB", []))
            } _: {
                let number = saga.add(1, ordering: .relaxed).newValue
                try await transition.run(number, redis)
            }
            lines.append(("\(tasks) tasks, one transition at a time", rate))
        }
        reference = max(reference, try await rate(of: transition, command, redis))
        report(
            "payment transition", command + transition.summary, reference, lines, target: 0.50)
    }

    private static func rate(
        of transition: RecordedTransition, _ command: String, _ redis: RedisClient
    ) async throws -> Double {
        _ = try await redis.send(RedisCommand("FLUSHDB", []))
        let rate = try await Reference.rate(command + transition.command)
        // Now and then the same random number comes twice.
        try expect(try await RecordedTransition.applied(redis), of: 200_000, butFor: 200)
        return rate
    }

    /// A transition that is refused costs less, so it must not count.
    private static func expect(_ applied: Int, of all: Int, butFor few: Int = 0) throws {
        struct NotApplied: Error {
            let applied: Int
            let all: Int
        }
        guard applied >= all - few else { throw NotApplied(applied: applied, all: all) }
    }

    /// Commands per second: the best of three rounds of two seconds each.
    ///
    /// - Parameter between: runs before each round and after the last.
    private static func rate(
        tasks: Int, each: Int, on executor: (any TaskExecutor)? = nil,
        between: () async throws -> Void = {}, _ body: @escaping @Sendable () async throws -> Void
    ) async throws -> Double {
        var best = 0.0
        for _ in 0..<3 {
            try await between()
            let start = ContinuousClock.now
            let end = start + .seconds(2)
            let rounds = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<tasks {
                    group.addTask(executorPreference: executor) {
                        var rounds = 0
                        // The clock is read now and then only, as it costs a share of a call.
                        while ContinuousClock.now < end {
                            for _ in 0..<32 { try await body() }
                            rounds += 32
                        }
                        return rounds
                    }
                }
                return try await group.reduce(0, +)
            }
            best = max(best, Double(rounds * each) / ((ContinuousClock.now - start) / .seconds(1)))
        }
        try await between()
        return best
    }

    private static func report(
        _ subject: String, _ command: String, _ reference: Double, _ lines: [(String, Double)],
        target: Double
    ) {
        print("\n\(subject)\n  reference: \(command)")
        print("  \(Int(reference)) per second")
        for (name, rate) in lines {
            let ratio = Double(Int(rate / reference * 1000)) / 1000
            print("  \(name): \(Int(rate)) per second, ratio \(ratio)")
        }
        // Batches are shown beside, but do not count: callers send one command at a time.
        let single = lines.filter { !$0.0.contains("batches") }.map(\.1)
        let best = (single.max() ?? 0) / reference
        let verdict = best >= target ? "reached" : "MISSED"
        print("  best ratio \(Double(Int(best * 1000)) / 1000), wanted \(target): \(verdict)")
    }
}
