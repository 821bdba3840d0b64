import Logging
import Saga
import SagaRedis
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// What `doctor` sees on a real Redis, as each of those who may run it.
@Suite(.timeLimit(.minutes(2)))
struct SagaSurveyTests {
    private let names = SagaKeys()

    private static let watcher =
        RedisRole.listening(namespace: nil).joined(with: .surveying(namespace: nil)).rule
    private static let system = RedisRole.everything(namespace: nil, withCache: true).rule

    /// One old event of a type that the order system has not, which one group has read.
    private func fill(_ client: RedisClient) async throws {
        let stream = names.stream("TripAsked", owner: "trips")
        let own = names.stream("OrderCreated", owner: "order")
        let debt = "1000 1 ShippingFailed 1-0\n\(Debt.asking("Was it charged?"))\n{}"
        let commands: [[RedisArgument]] = [
            ["SET", .string(names.born("order")), "2000 1"],
            ["XADD", .string(own), "1000-0", "data", "x"],
            ["XGROUP", "CREATE", .string(own), "payment", "$"],
            ["XGROUP", "CREATE", .string(own), "mail", "0"],
            ["XADD", .string(stream), "1000-0", "data", "x"],
            ["XGROUP", "CREATE", .string(stream), "hotels", "0"],
            ["XADD", .string(names.dead("payment")), "*", "event", "x", "reason", "too_old"],
            ["XADD", .string(names.dead("payment")), "*", "event", "x", "reason", "too_old"],
            ["XADD", .string(names.dead("payment")), "*", "event", "x", "reason", "undecodable"],
            [
                "ZADD", .string(names.blocked("payment")), 1_000, "renewal/a/b", 2_000, "b", 3_000,
                "c",
            ],
            ["HSET", .string(names.declared("payment")), "route", "order 1,renewal 2"],
            ["ZADD", .string(names.open("payment")), 9_000_000_000_000, "b"],
            ["ZADD", .string(names.open("payment")), 9_000_000_000_000, "c"],
            ["ZADD", .string(names.asks("payment")), 2_000, "b"],
            [
                "HSET", .string(names.ledger(named: "b", by: SagaNaming([]), service: "payment")),
                "owes", "charge",
                "owes:charge", .string(debt),
            ],
        ]
        for words in commands {
            guard case .string(let name) = words[0] else { continue }
            _ = try await client.send(RedisCommand(name, Array(words.dropFirst())))
        }
    }

    private func facts(_ redis: RedisServer, rule: String?) async throws -> SagaFacts {
        let administrator = redis.client()
        if let rule {
            let words =
                ["SETUSER", "app", "reset", "on", ">secret"]
                + rule.split(separator: " ").map(String.init)
            _ = try await administrator.send(RedisCommand("ACL", words.map { .string($0) }))
        }
        await administrator.shutdown()
        let client = redis.client {
            guard rule != nil else { return }
            $0.username = "app"
            $0.password = "secret"
        }
        let facts = await SagaSurvey(
            client: client, namespace: "", retention: .seconds(86_400),
            ledgerLife: .seconds(864_000), settled: .seconds(180),
            companiesURL: "http://127.0.0.1:1"
        ).facts()
        await client.shutdown()
        return facts
    }

    @Test(arguments: [nil, watcher, system])
    func allOfItIsSeenByWhoMayDoAnythingWhoWatchesAndTheSystem(rule: String?) async throws {
        let redis = try await RedisServer.launch()
        let client = redis.client()
        try await fill(client)
        let before = try await client.send(RedisCommand("DBSIZE", [])).integer

        let facts = try await facts(redis, rule: rule)

        #expect(facts.fault == nil)
        let payment = try #require(facts.participants.first { $0.name == "payment" })
        #expect(payment.letters.byReason == ["too_old": 2, "undecodable": 1])
        #expect(payment.blocked.byState == [.owes: 1, .asks: 1, .letter: 1])
        #expect(payment.blocked.oldest?.saga == "a/b")
        #expect(payment.blocked.oldest?.since == 1_000)
        let order = try #require(facts.participants.first { $0.name == "order" })
        #expect(order.born == 2_000)
        #expect(order.firstEvent == 1_000)
        // Who may not list keys looks at the streams of the order system.
        let groups = Set(facts.forgotten.map(\.group))
        #expect(groups == (rule == Self.system ? ["mail"] : ["mail", "hotels"]))
        #expect(try await client.send(RedisCommand("DBSIZE", [])).integer == before)
        await client.shutdown()
        await redis.stop()
    }

    @Test func whoMayNotLookIsToldSo() async throws {
        let redis = try await RedisServer.launch()

        let facts = try await facts(redis, rule: "~saga:* +ping +client|setname +eval +evalsha")

        // As a server says it of a command of its own, or of one in a script.
        let fault = facts.fault ?? ""
        #expect(fault.contains("NOPERM") || fault.contains("can't run this command"), "\(fault)")
        await redis.stop()
    }

    @Test func whatNoLedgerKnowsIsFound() async throws {
        let redis = try await RedisServer.launch()
        let client = redis.client()
        let naming = SagaNaming(["order", "renewal"])
        let known = names.ledger(named: "known/1", by: naming, service: "payment")
        let other = names.ledger(named: "other", by: naming, service: "payment")
        for (key, step) in [(known, "charge"), (other, "end")] {
            _ = try await client.send(
                RedisCommand("HSET", [.string(key), .string(step), "done 1-0"]))
        }
        let sagas = ["known/1", "other"] + (0..<600).map { "lost-\($0)" }

        let unknown = try await StoreLook(client, names)
            .unknown(sagas, of: "order", to: "payment", step: "charge")

        #expect(unknown == Array(sagas.dropFirst()))
        await client.shutdown()
        await redis.stop()
    }

    @Test func moreLettersThanOnePageAreCounted() async throws {
        let redis = try await RedisServer.launch()
        let client = redis.client()
        let dead = RedisArgument.string(names.dead("payment"))
        for _ in 0..<250 {
            _ = try await client.send(
                RedisCommand("XADD", [dead, "*", "event", "x", "reason", "too_old"]))
        }

        let letters = try await StoreLook(client, names).letters(of: "payment")

        #expect(letters.byReason == ["too_old": 250])
        #expect(!letters.isCut)
        await client.shutdown()
        await redis.stop()
    }
}
