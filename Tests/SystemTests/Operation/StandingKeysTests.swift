import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// What readiness looks at, beside what a running system really keeps.
@Suite(.timeLimit(.minutes(5)), .system(.oneProcess))
struct StandingKeysTests {
    /// Names that hold an ID: of a saga, an entry, a replica, a record, a tag, an answer.
    private static var named: [Regex<Substring>] {
        [
            /saga:\{\w+\}:ledger:.+/, /saga:\{\w+\}:dead:.+/,
            /saga:\{\w+\}:(?:consumer|trying):.+/, /\{\w+\}:\w+:.+/, /cache:\{.+\}:.+/,
            /cache:entry:.+/,
        ]
    }

    @Test func allKeysOfOneNameThatASystemLeavesAreListed() async throws {
        let system = try RunningSystem.current
        let client = system.redis.client()
        try await leaveEverything(system, client)
        let listed = RedisRole.everything(namespace: nil, withCache: true).standingKeys

        // Only the owner of sagas sets timers, nobody is blocked here for long, and no person asks
        // anything; they would stand under these names.
        let idle = Set(
            ["payment", "inventory", "shipping"].map { "saga:{\($0)}:timers" }
                + ["order", "payment", "inventory", "shipping"].flatMap { service in
                    ["open", "blocked", "asks", "undone", "again", "paused"].map {
                        "saga:{\(service)}:\($0)"
                    }
                })
        let wanted = Dictionary(
            uniqueKeysWithValues: listed.filter { !idle.contains($0.name) }
                .map { ($0.name, $0.kind.rawValue) })
        var standing: [String: String] = [:]
        try? await eventually("each listed key is there", within: .seconds(20)) {
            // Some are there from the first housekeeping on, and a deadline until its order ends.
            let found = try await keys(of: client).filter { !idle.contains($0.key) }
            standing.merge(found) { $1 }
            return wanted.keys.allSatisfy { standing[$0] != nil }
        }

        #expect(standing == wanted)
        await client.shutdown()
    }

    /// Orders with every end, an answer that is kept, and entries that nobody can read.
    private func leaveEverything(_ system: RunningSystem, _ client: RedisClient) async throws {
        let product = try await system.newProduct(stock: 5)
        let orders = [
            RunningSystem.order(product), RunningSystem.order(product, token: "tok_declined"),
            RunningSystem.order(product, quantity: 9), RunningSystem.order(product, country: "AQ"),
        ]
        for order in orders { _ = try await system.ended(try await system.placed(order)) }
        // Nobody knows for a while whether it was charged, so its deadline stands.
        _ = try await system.placed(RunningSystem.order(product, token: "tok_timeout"))
        _ = try await Web.get("\(system.gateway)/orders/1/details")
        for stream in RedisRole.events(namespace: nil).standingKeys {
            _ = try await client.send(
                RedisCommand("XADD", [.string(stream.name), "*", "data", "unreadable"]))
        }
    }

    /// All but those that are named by an ID, with their types.
    private func keys(of client: RedisClient) async throws -> [String: String] {
        let names = try await client.send(RedisCommand("KEYS", ["*"])).strings()
            .compactMap { $0 }.filter { name in
                !Self.named.contains { name.wholeMatch(of: $0) != nil }
            }
        let types = try await client.send(batch: names.map { .type($0) })
        let pairs = try zip(names, types).map { ($0, try $1.get().string ?? "") }
        // One that went meanwhile is none.
        return Dictionary(uniqueKeysWithValues: pairs.filter { $0.1 != "none" })
    }
}
