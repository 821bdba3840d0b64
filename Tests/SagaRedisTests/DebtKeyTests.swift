import Saga
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import SagaRedis

/// A script has no rollback: a key of another type is met before anything is written.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct DebtKeyTests {
    enum Call: CaseIterable {
        case park, take, read, progress, settle, hurry, hurryOne

        fileprivate var keys: [Key] {
            switch self {
            case .park, .read, .progress, .settle: Key.allCases
            case .take: [.open, .blocked, .asks]
            case .hurry, .hurryOne: [.open]
            }
        }
    }

    enum Key: CaseIterable { case ledger, open, blocked, asks }

    @Test(arguments: Call.allCases)
    func aKeyOfAnotherTypeLeavesAllOthersAsTheyAre(_ call: Call) async throws {
        for key in call.keys {
            try await ShopRig.with { rig in
                try await prepare(rig, for: call)
                _ = try await rig.redis.send(.set(name(key, rig), "text"))
                let before = try await contents(rig)

                let error = await #expect(throws: SagaError.self, "\(key)") {
                    try await make(call, debts(rig))
                }

                #expect(error?.code == .unexpectedState, "\(key)")
                #expect(try await contents(rig) == before, "\(key)")
            }
        }
    }

    /// Nor does such a ledger keep what others owe from being tried.
    @Test func aLedgerOfAnotherTypeHoldsNobodyElseUp() async throws {
        try await ShopRig.with { rig in
            let debts = self.debts(rig)
            for saga in ["1", "2", "3"] {
                _ = try await debts.park(debt(saga), trace(saga), for: .zero, in: nil)
            }
            _ = try await rig.redis.send(.set(rig.keys.ledger("2", service: "payment"), "text"))

            // A look at one of the blocked takes any of them.
            for _ in 0..<20 { #expect(try await debts.takeDue(0).blocked == 3) }
            let due = try await debts.takeDue(8)

            #expect(due.debts.map(\.sagaID).sorted() == ["1", "3"])
            // Nobody but that one is due: now it is told.
            _ = try await rig.redis.send(
                RedisCommand("ZADD", [.string(rig.keys.open("payment")), 1, "2"]))
            await #expect(throws: SagaError.self) { _ = try await debts.takeDue(8) }
        }
    }

    // MARK: -

    /// Leaves what a call would change: a saga that is due, blocked and asks a person.
    private func prepare(_ rig: ShopRig, for call: Call) async throws {
        let ledger: [RedisArgument] =
            switch call {
            case .read, .progress: ["charge", "done e"]
            case .park, .take, .settle, .hurry, .hurryOne:
                [
                    "blocked", "charge e", "owes", "charge", "owes:charge",
                    .string("1\(debt("1").textAfterSince)"),
                ]
            }
        _ = try await rig.redis.send(
            RedisCommand("HSET", [.string(name(.ledger, rig))] + ledger))
        for key in [Key.open, .blocked, .asks] {
            _ = try await rig.redis.send(RedisCommand("ZADD", [.string(name(key, rig)), 1, "1"]))
        }
    }

    private func make(_ call: Call, _ debts: RedisDebts) async throws {
        switch call {
        case .park: _ = try await debts.park(debt("1", tries: 2), trace("1"), for: .zero, in: nil)
        case .take: _ = try await debts.takeDue(8)
        case .read: _ = try await debts.debts(of: "1")
        case .progress: try await debts.noteProgress(of: "1")
        case .settle: try await debts.settle(debt("1"), isDone: true)
        case .hurry: try await debts.hurry()
        case .hurryOne: try await debts.hurry(of: "1")
        }
    }

    private func name(_ key: Key, _ rig: ShopRig) -> String {
        switch key {
        case .ledger: rig.keys.ledger("1", service: "payment")
        case .open: rig.keys.open("payment")
        case .blocked: rig.keys.blocked("payment")
        case .asks: rig.keys.asks("payment")
        }
    }

    private func contents(_ rig: ShopRig) async throws -> [[String?]] {
        var all: [[String?]] = []
        for key in Key.allCases {
            let word = RedisArgument.string(name(key, rig))
            switch try await rig.redis.send(RedisCommand("TYPE", [word])).string {
            case "hash":
                all.append(try await rig.redis.send(RedisCommand("HGETALL", [word])).strings())
            case "zset":
                all.append(
                    try await rig.redis.send(
                        RedisCommand("ZRANGE", [word, 0, -1, "WITHSCORES"])
                    ).strings())
            case let type:
                all.append([type])
            }
        }
        return all
    }

    private func debts(_ rig: ShopRig) -> RedisDebts {
        RedisDebts(
            redis: rig.redis, service: "payment", names: rig.keys,
            ledgerTimeToLive: .seconds(1000), naming: SagaNaming([]))
    }

    private func debt(_ saga: String, tries: Int = 1) -> Debt {
        Debt(
            sagaID: saga, step: "charge", tries: tries, type: "OrderCreated", entryID: "7-0",
            event: Array("{}".utf8), error: Debt.asking("Was it charged?"))
    }

    private func trace(_ saga: String) -> DeadLetter.Trace {
        var trace = DeadLetter.Trace(sagaID: saga)
        trace.blocked = ("charge", "e")
        return trace
    }
}
