import InstantShop
import NIOCore
import SagaRedis
import TroupeRedis
import TroupeRedisTestKit

// Timers of sagas that are all over, due in one second; then ten times as many that are not due:
//
//   ZADD saga:{order}:timers <in 3 s> … ─▶ OrderDeadlineReached ─▶ the owner looks: all done

enum TimerLoad {
    private static let event = "OrderDeadlineReached"

    static func measure(_ count: Int) async throws {
        let server = try await SagaBenchmark.launch()
        let shop = try Shop(server: server)
        try await shop.stock(count * 2)
        try await shop.running {
            try await shop.order(count)
            try await shop.finished(count)
            try await fire(count, shop)
            try await idle(count * 10, shop)
        }
        await shop.redis.shutdown()
        await server.stop()
    }

    private static func fire(_ count: Int, _ shop: Shop) async throws {
        let sagas = try await sagas(shop, of: "OrderCreated")
        let due = try await now(shop) + 5000
        for chunk in stride(from: 0, to: sagas.count, by: 1000) {
            let members = sagas[chunk..<min(chunk + 1000, sagas.count)].map(\.saga)
            // Spread over one second.
            try await set(members, from: due + chunk * 1000 / sagas.count, shop)
        }
        while try await shop.length(event, owner: "order") < count {
            try await Task.sleep(for: .milliseconds(5))
        }
        let fired = try await self.sagas(shop, of: event)
        let times = fired.map(\.time).sorted()
        print("\(count) timers due in one second, each of a saga that is over")
        print("  the last fired \(Double(times.last ?? 0) / 1000 - Double(due) / 1000 - 1) s after")
        print("  its second; fired \(fired.count), of \(Set(fired.map(\.saga)).count) sagas")
        while try await pending(shop) > 0 { try await Task.sleep(for: .milliseconds(20)) }
    }

    private static func idle(_ count: Int, _ shop: Shop) async throws {
        try await Task.sleep(for: .seconds(5))
        let without = try await share(shop)
        let far = try await now(shop) + 86_400_000
        for chunk in stride(from: 0, to: count, by: 1000) {
            try await set((chunk..<chunk + 1000).map { "idle-\($0)" }, from: far, shop)
        }
        try await Task.sleep(for: .seconds(5))
        let with = try await share(shop)
        print("\(count) timers that are not due, and nothing else to do, of a processor")
        print("  without them  redis-server \(without.server) and this process \(without.process)")
        print("  with them     redis-server \(with.server) and this process \(with.process)")
    }

    private static func share(_ shop: Shop) async throws -> (server: Double, process: Double) {
        let before = try await Usage(shop.redis)
        let started = ContinuousClock.now
        try await Task.sleep(for: .seconds(20))
        let share = try await Usage(shop.redis)
            .share(since: before, over: ContinuousClock.now - started)
        func rounded(_ share: Double) -> Double { (share * 10_000).rounded() / 10_000 }
        return (rounded(share.server), rounded(share.process))
    }

    private static func set(_ sagas: [String], from due: Int, _ shop: Shop) async throws {
        let timers = sagas.map {
            (score: Double(due), member: RedisArgument.string("\(event) \($0)"))
        }
        _ = try await shop.redis.send(.zadd("saga:{order}:timers", timers))
    }

    private static func now(_ shop: Shop) async throws -> Int {
        let reply = try await shop.redis.send(RedisCommand("TIME", []))
        return (reply[0]?.integer ?? 0) * 1000 + (reply[1]?.integer ?? 0) / 1000
    }

    private static func pending(_ shop: Shop) async throws -> Int {
        let groups = try await shop.redis.send(
            RedisCommand(
                "XINFO", ["GROUPS", .string(SagaKeys().stream(event, owner: "order"))]))
        let fields = groups[0]?.array.map(Array.init) ?? []
        return stride(from: 0, to: fields.count - 1, by: 2).reduce(0) { sum, at in
            let isOpen = ["pending", "lag"].contains(fields[at].string ?? "")
            return sum + (isOpen ? fields[at + 1].integer ?? 0 : 0)
        }
    }

    private static func sagas(
        _ shop: Shop, of type: String
    ) async throws -> [(saga: String, time: Int)] {
        var found: [(saga: String, time: Int)] = []
        var after = "-"
        while true {
            let stream = SagaKeys().stream(type, owner: "order")
            let page = try await shop.redis.send(.xrange(stream, from: after, count: 5000))
                .streamEntries()
            for entry in page {
                guard let saga = entry["correlationid"].map({ String(buffer: $0) }),
                    let time = Int(entry.id.prefix { $0 != "-" })
                else { continue }
                found.append((saga, time))
            }
            guard page.count == 5000, let last = page.last else { return found }
            after = "(" + last.id
        }
    }
}
