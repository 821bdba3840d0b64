import Foundation
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// The whole system with the rights that README and `doctor` name, and no others.
@Suite(
    .timeLimit(.minutes(5)),
    .system(.oneProcess, rule: RedisRole.everything(namespace: nil, withCache: true).rule))
struct LeastRightsTests {
    @Test func ordersEndAsTheyShouldAndTheCacheKnows() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 10)
        var orders: [String] = []
        for (token, country) in [("tok_visa", "DE"), ("tok_declined", "DE"), ("tok_visa", "AQ")] {
            let order = RunningSystem.order(product, token: token, country: country)
            orders.append(try await system.placed(order))
        }
        try await system.audit(product, stock: 10, orders: orders)

        try await eventually("the second answer is a hit") {
            let answer = try await Web.get("\(system.gateway)/orders/\(orders[0])/details")
            return answer.headers["cache-status"]?.contains("hit") == true
        }
        let ready = try await Web.get("http://127.0.0.1:\(system.addresses.admin)/readyz")
        #expect(ready.status == 200 && ready.body == "ok\n", "\(ready)")
    }

    /// What README says of whoever only watches.
    private static let watching =
        RedisRole.listening(namespace: nil).joined(with: .reading(namespace: nil)).rule

    @Test func whoWatchesNeedsLittle() async throws {
        let system = try RunningSystem.current
        let url = try await system.redis.createUser(Self.watching, name: "watcher")
        let tail = try LoneProgram("tail --json", variables: ["REDIS_URL": url])
        // Until the subscription is in place, events pass unheard.
        let id = try await eventualValue("tail prints an event") {
            let id = try await system.placed(RunningSystem.order("1"))
            return tail.output.contains(id) ? id : nil
        }
        _ = try await system.ended(id)

        let show = try LoneProgram("saga show \(id)", variables: ["REDIS_URL": url])

        #expect(await show.child.exitStatus() == 0, "\(show.output)")
        #expect(show.output.contains("OrderCompleted"), "\(show.output)")
        await tail.close()
        await show.close()
        let readme = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "README.md")
        let text = try String(contentsOf: readme, encoding: .utf8)
        let isDocumented = text.contains(Self.watching)
        #expect(isDocumented)
    }

    @Test func nothingIsRefused() async throws {
        let system = try RunningSystem.current
        let client = system.redis.client()

        let denials = try await client.send(RedisCommand("ACL", ["LOG"])).requireArray()

        let objects = denials.compactMap { denial -> String? in
            let facts = denial.array.map(Array.init) ?? []
            let names = stride(from: 0, to: facts.count - 1, by: 2)
            return names.first { facts[$0].string == "object" }.flatMap { facts[$0 + 1].string }
        }
        // What no work needs and `up` can do without.
        #expect(objects.filter { !["config|get"].contains($0) } == [], "\(system.logs)")
        await client.shutdown()
    }
}
