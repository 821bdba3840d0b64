import Foundation
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// Anybody can ask for what is not there, as often as they like.
@Suite(.system, .timeLimit(.minutes(15)))
struct MadeUpNamesTests {
    private static let count = LongTier.isWanted ? 100_000 : 1_000

    /// Names that no service knows, and some that are none.
    private static func path(_ number: Int) -> String {
        let name = UUID().uuidString.lowercased()
        switch number % 7 {
        case 0: return "/orders/\(name)"
        case 1: return "/orders/\(name)/details"
        case 2: return "/payments/\(name)"
        case 3: return "/shipments/\(name)"
        case 4: return "/users/\(name)"
        case 5: return "/products/\(name)"
        default: return "/orders/%20\(name)%7B"
        }
    }

    private struct Held: Sendable {
        var keys: Int
        var bytes: Int
    }

    private static func held(_ redis: RedisClient) async throws -> Held {
        let memory = try await redis.send(.info("memory")).infoFields()
        return Held(
            keys: try await redis.send(.dbsize).integer ?? .max,
            bytes: memory["used_memory"].flatMap { Int($0) } ?? .max)
    }

    /// How often each status was answered.
    private static func ask(_ count: Int, _ gateway: String) async throws -> [Int: Int] {
        let workers = 16
        return try await withThrowingTaskGroup(of: [Int: Int].self) { group in
            for worker in 0..<workers {
                group.addTask {
                    var answers: [Int: Int] = [:]
                    for number in stride(from: worker, to: count, by: workers) {
                        let answer = try await Web.get(gateway + path(number))
                        answers[answer.status, default: 0] += 1
                    }
                    return answers
                }
            }
            var all: [Int: Int] = [:]
            for try await answers in group { all.merge(answers, uniquingKeysWith: +) }
            return all
        }
    }

    /// What 10 seconds later is still there would be there for longer: 2 hours it once was.
    @Test func whatIsNotThereLeavesNothingInRedis() async throws {
        let system = try RunningSystem.current
        let redis = system.redis.client()
        // What is made once for all, such as connections and scripts, is made before the look.
        _ = try await Self.ask(200, system.gateway)
        var before = Held(keys: .max, bytes: .max)
        try await eventually("the first are gone") {
            let now = try await Self.held(redis)
            before.bytes = min(before.bytes, now.bytes)
            before.keys = min(before.keys, now.keys)
            let left = try await redis.send(.scan("0", match: "cache:*:generation", count: 10_000))
            // The demo order's own stay with its entry.
            return left[1]?.array.map { $0.count < 20 } == true
        }
        let answers = try await Self.ask(Self.count, system.gateway)
        let most = try await Self.held(redis)

        #expect(Set(answers.keys).isSubset(of: [400, 404]), "\(answers)")
        #expect(answers[400, default: 0] >= Self.count / 7)
        #expect(answers[404, default: 0] >= Self.count / 2)
        #expect(most.keys > before.keys + 100, "they are held for as long as a fill may take")
        var after = most
        // A little longer than they live: Redis takes keys away now and then.
        try? await eventually("Redis is where it was", within: .seconds(20)) {
            after = try await Self.held(redis)
            return after.keys <= before.keys + 20 && after.bytes < before.bytes + 256 * 1024
        }
        #expect(after.keys <= before.keys + 20, "\(before) \(most) \(after)")
        #expect(after.bytes < before.bytes + 256 * 1024, "\(before) \(most) \(after)")
        await redis.shutdown()
    }
}
