import EventStreams
import Logging
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import Saga
@testable import SagaRedis

@Suite(.redisServer, .timeLimit(.minutes(1)))
struct HousekeeperTests {
    @Test func trimmingKeepsWhatAnyGroupHasNotDealtWith() {
        let age = StreamID(milliseconds: 100)
        let done = GroupState(name: "a", lastDelivered: StreamID(milliseconds: 200))
        let behind = GroupState(name: "b", lastDelivered: StreamID(milliseconds: 50, sequence: 3))
        let pending = GroupState(
            name: "c", lastDelivered: StreamID(milliseconds: 200),
            oldestPending: StreamID(milliseconds: 30))

        #expect(Housekeeper.bound(age: age, groups: []) == age)
        #expect(Housekeeper.bound(age: age, groups: [done]) == age)
        #expect(Housekeeper.bound(age: age, groups: [done, behind]).description == "50-3")
        #expect(Housekeeper.bound(age: age, groups: [done, behind, pending]).description == "30-0")
        #expect(pending.dealtWith == StreamID(milliseconds: 29, sequence: .max))
    }

    @Test func aFullServerIsTrimmedAlthoughItRefusesToStoreCursors() async throws {
        let server = try await RedisServer.launch()
        try await ShopRig.with(server: server) { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            try await add(old: 3, to: stream, rig)
            let consumed = rig.keys.stream("ShipmentArranged", owner: "shipping")
            try await add(old: 1, to: consumed, rig)
            _ = try await rig.redis.send(.xgroupCreate(consumed, "order", from: "0"))
            _ = try await rig.redis.send(RedisCommand("CONFIG", ["SET", "maxmemory", "1"]))

            let report = try await housekeeper(rig, emitted: ["OrderCreated"]).run(as: "replica")

            #expect(try await rig.redis.send(.xlen(stream)).integer == 0)
            #expect(Array(report.faults.keys) == [rig.keys.cursor("order")])
        }
        await server.stop()
    }

    @Test func oneFaultyStreamKeepsNoOtherFromBeingTrimmed() async throws {
        try await ShopRig.with { rig in
            let faulty = rig.keys.stream("OrderCancelled", owner: "order")
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            let consumed = rig.keys.stream("PaymentFailed", owner: "payment")
            let other = rig.keys.stream("ShipmentArranged", owner: "shipping")
            for key in [faulty, consumed] {
                _ = try await rig.redis.send(RedisCommand("SET", [.string(key), "text"]))
            }
            try await add(old: 3, to: stream, rig)
            try await add(old: 2, to: other, rig)
            _ = try await rig.redis.send(.xgroupCreate(other, "order", from: "0"))

            let housekeeper = try housekeeper(rig, emitted: ["OrderCancelled", "OrderCreated"])
            let report = try await housekeeper.run(as: "replica")

            #expect(try await rig.redis.send(.xlen(stream)).integer == 0)
            #expect(Set(report.faults.keys) == [faulty, consumed])
            #expect(report.lags.compactMap { $0 } == [2])
            let cursors = try await rig.redis.send(
                RedisCommand("HKEYS", [.string(rig.keys.cursor("order"))]))
            #expect(try cursors.strings() == [other])
        }
    }

    @Test func deadLettersGoWithTheirAgeUnlessASagaWaitsForThem() async throws {
        try await ShopRig.with { rig in
            let dead = rig.keys.dead("order")
            for number in 1...120 {
                try await add(
                    "1000-\(number)", "reason", number == 7 ? "blocked" : "undecodable",
                    to: dead, rig)
            }
            try await add("*", "reason", "undecodable", to: dead, rig)

            let report = try await housekeeper(rig, emitted: []).run(as: "replica")

            #expect(report.faults.isEmpty)
            let left = try await rig.redis.send(.xrange(dead)).streamEntries()
            #expect(left.count == 2)
            #expect(left.first?.id == "1000-7")
        }
    }

    @Test func aLetterGoesWithItsMarkOnceItsSagaHasEnded() async throws {
        try await ShopRig.with { rig in
            let dead = rig.keys.dead("order")
            func letter(
                _ number: Int, _ saga: String, _ reason: String = "contradiction"
            ) async throws {
                let fields = [
                    "stream", "S", "entry", "\(number)-0", "reason", reason, "saga", saga,
                ]
                let words = [dead, "1000-\(number)"] + fields
                _ = try await rig.redis.send(RedisCommand("XADD", words.map { .string($0) }))
                _ = try await rig.redis.send(
                    .set("\(dead):S:\(number)-0", .string("1000-\(number)")))
            }
            func ledger(_ saga: String, _ fields: [String]) async throws {
                let key = rig.keys.ledger(saga, service: "order")
                _ = try await rig.redis.send(
                    RedisCommand("HSET", ([key] + fields).map { .string($0) }))
            }
            try await ledger("ended", ["lifecycle", "completed e", "end", "completed"])
            try await ledger("open", ["lifecycle", "pending e"])
            try await ledger("awaiting", ["end", "awaiting inventory 1 {}"])
            try await ledger("blocked", ["end", "cancelled", "blocked", "charge e"])
            try await ledger("owing", ["end", "cancelled", "owes", "charge"])
            let sagas = ["ended", "gone", "open", "awaiting", "blocked", "owing"]
            for (number, saga) in sagas.enumerated() { try await letter(number + 1, saga) }
            try await letter(7, "gone", "half_applied")
            try await letter(8, "ended", "blocked")

            let report = try await housekeeper(rig, emitted: []).run(as: "replica")

            #expect(report.faults.isEmpty)
            let left = try await rig.redis.send(.xrange(dead)).streamEntries()
            // A saga waits for the last of them, and a ledger that is gone proves nothing of it.
            #expect(left.map(\.id) == (3...7).map { "1000-\($0)" })
            for number in 1...8 {
                let isThere = try await rig.redis.send(.exists("\(dead):S:\(number)-0")).integer
                #expect(isThere == ((3...7).contains(number) ? 1 : 0), "mark \(number)")
            }
        }
    }

    @Test func lettersOfAFurtherRouteGoByTheLedgersOfThatRoute() async throws {
        try await ShopRig.with { rig in
            let naming = SagaNaming(["saga", "renewal"])
            let sagas = ["renewal/7": "", "renewal/8": "completed", "8": ""]
            for (name, end) in sagas {
                let ledger = rig.keys.ledger(named: name, by: naming, service: "order")
                let words = [ledger, "charge", "done e"] + (end.isEmpty ? [] : ["end", end])
                _ = try await rig.redis.send(RedisCommand("HSET", words.map { .string($0) }))
            }
            for (number, name) in ["renewal/7", "renewal/8", "8"].enumerated() {
                let words = [
                    rig.keys.dead("order"), "1000-\(number + 1)", "reason", "blocked", "saga", name,
                ]
                _ = try await rig.redis.send(RedisCommand("XADD", words.map { .string($0) }))
            }

            let report = try await housekeeper(rig, emitted: [], naming: naming).run(as: "replica")

            #expect(report.faults.isEmpty)
            let left = try await rig.redis.send(.xrange(rig.keys.dead("order"))).streamEntries()
            #expect(left.map(\.id) == ["1000-1", "1000-3"])
        }
    }

    @Test func lettersThatAreKeptHideNoneBehindThemAndAreLookedAtAgain() async throws {
        try await ShopRig.with { rig in
            let dead = rig.keys.dead("order")
            let ledger = rig.keys.ledger("7", service: "order")
            _ = try await rig.redis.send(.hset(ledger, ["lifecycle": "pending e"]))
            for number in 1...10 { try await add("1000-\(number)", "saga", "7", to: dead, rig) }
            try await add("1000-11", "reason", "undecodable", to: dead, rig)
            let housekeeper = try housekeeper(
                rig, emitted: [], budget: LetterRetention.Budget(page: 2, pass: 4))
            var lengths: [Int?] = []

            for _ in 1...3 {
                _ = try await housekeeper.run(as: "replica")
                lengths.append(try await rig.redis.send(.xlen(dead)).integer)
            }
            #expect(lengths == [11, 11, 10])
            _ = try await rig.redis.send(.hset(ledger, ["end": "completed"]))
            _ = try await housekeeper.run(as: "replica")

            #expect(try await rig.redis.send(.xlen(dead)).integer == 6)
        }
    }

    @Test func aPassLooksAtNoMoreThanSoManyBytes() async throws {
        try await ShopRig.with { rig in
            let dead = rig.keys.dead("order")
            let text = String(repeating: "x", count: 1000)
            for number in 1...6 { try await add("1000-\(number)", "event", text, to: dead, rig) }
            let housekeeper = try housekeeper(
                rig, emitted: [],
                budget: LetterRetention.Budget(pageBytes: 1500, passBytes: 2500))

            _ = try await housekeeper.run(as: "replica")
            let first = try await rig.redis.send(.xlen(dead)).integer
            _ = try await housekeeper.run(as: "replica")

            #expect(first == 2)
            #expect(try await rig.redis.send(.xlen(dead)).integer == 0)
        }
    }

    /// The rights in the README are without XDEL.
    @Test func whoMayNotDeleteEntriesTrimsThoseInFront() async throws {
        let server = try await RedisServer.launch()
        try await ShopRig.with(server: server) { rig in
            let dead = rig.keys.dead("order")
            for number in 1...60 {
                try await add(
                    "1000-\(number)", "reason", number == 30 ? "blocked" : "undecodable",
                    to: dead, rig)
            }
            _ = try await rig.redis.send(RedisCommand("ACL", ["SETUSER", "default", "-xdel"]))

            let report = try await housekeeper(rig, emitted: []).run(as: "replica")

            #expect(report.faults.isEmpty)
            let left = try await rig.redis.send(.xrange(dead)).streamEntries()
            #expect(left.first?.id == "1000-30")
            #expect(left.count == 31)
        }
        await server.stop()
    }

    @Test func aGroupThatKeepsWhatIsOldIsReportedAndOneThatHasNothingToReadIsNot() async throws {
        try await ShopRig.with { rig in
            let stream = rig.keys.stream("OrderCreated", owner: "order")
            try await add(old: 2, to: stream, rig)
            try await add("*", "data", "new", to: stream, rig)
            _ = try await rig.redis.send(.xgroupCreate(stream, "retired", from: "1000-1"))
            _ = try await rig.redis.send(.xgroupCreate(stream, "quiet", from: "1000-2"))

            let report = try await housekeeper(rig, emitted: ["OrderCreated"]).run(as: "replica")

            #expect(report.forgotten == [.init(stream: stream, group: "retired")])
        }
    }

    private func add(old count: Int, to stream: String, _ rig: ShopRig) async throws {
        for number in 1...count { try await add("1000-\(number)", "data", "old", to: stream, rig) }
    }

    private func add(
        _ id: String, _ name: String, _ value: String, to stream: String, _ rig: ShopRig
    ) async throws {
        let words = [stream, id, name, value].map { RedisArgument.string($0) }
        _ = try await rig.redis.send(RedisCommand("XADD", words))
    }

    private func housekeeper(
        _ rig: ShopRig, emitted: [String], naming: SagaNaming = SagaNaming([]),
        budget: LetterRetention.Budget = LetterRetention.Budget()
    ) throws -> Housekeeper {
        let plan = try ParticipantPlan(rig.saga.order)
        return Housekeeper(
            redis: rig.redis, service: "order", names: rig.keys,
            consumed: ConsumedStream.all(of: plan) { rig.keys.stream($0.type, owner: $0.owner) },
            emitted: emitted,
            group: ConsumerGroup(
                redis: rig.redis, service: "order", names: rig.keys,
                logger: Logger(label: "test")),
            letters: LetterRetention(
                redis: rig.redis, names: rig.keys, service: "order", naming: naming,
                budget: budget),
            configuration: rig.configuration)
    }
}
