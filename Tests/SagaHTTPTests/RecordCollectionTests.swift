import Logging
import Saga
import SagaHTTP
import Testing
import Timekeeping
import TroupeRedis
import TroupeRedisTestKit

@Suite(.redisServer, .timeLimit(.minutes(1)))
struct RecordCollectionTests {
    private let seeds = (1...3).map { number in
        RecordCollection<Note>.Entry(
            id: "\(number)", Note("seed \(number)"),
            createdAt: Timestamp(milliseconds: Int64(number)))
    }

    private func withCollection(
        _ body: (RecordCollection<Note>, RedisClient, String) async throws -> Void
    ) async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            try await body(RecordCollection(redis: redis, namespace: prefix), redis, prefix)
        }
    }

    private func plant(in collection: RecordCollection<Note>) async {
        let logger = Logger.silent
        await RecordSeed(collection, seeds, logger: logger).run()
    }

    @Test func seedingTwiceOrAfterwardsChangesNothing() async throws {
        try await withCollection { collection, _, _ in
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { await plant(in: collection) } }
            }
            _ = try await collection.change("1") { $0.text = "changed" }
            await plant(in: collection)

            #expect(try await collection.entry("1")?.item.text == "changed")
            let all = try await collection.entries(after: nil, limit: 100)
            #expect(all.map(\.id) == ["3", "2", "1"])
        }
    }

    @Test func noneOfManyChangesAtOnceIsLost() async throws {
        try await withCollection { collection, _, _ in
            let id = try await collection.create(Note("")).id
            try await withThrowingTaskGroup(of: Void.self) { group in
                for letter in ["a", "b", "c", "d"] {
                    group.addTask { _ = try await collection.change(id) { $0.text += letter } }
                }
                try await group.waitForAll()
            }

            let entry = try await collection.entry(id)
            #expect(entry?.version == 5)
            #expect(entry?.item.text.sorted() == ["a", "b", "c", "d"])
        }
    }

    @Test func changeThatChangesNothingMakesNoVersion() async throws {
        try await withCollection { collection, _, _ in
            let entry = try await collection.create(Note("same"))

            #expect(try await collection.change(entry.id) { $0.text = "same" } == entry)
            #expect(try await collection.change("nobody") { $0.text = "" } == nil)
        }
    }

    @Test func damagedRecordIsAnErrorThatWaitingCannotMend() async throws {
        try await withCollection { collection, redis, prefix in
            let key = "\(prefix):{note}:note:damaged"
            _ = try await redis.send(RedisCommand("HSET", [.string(key), "text", "no version"]))

            await #expect { try await collection.entry("damaged") } throws: { error in
                (error as? SagaError)?.mayPass == false
            }
        }
    }

    @Test(arguments: [SagaError.Code.stopped, .epochOver])
    func aRuntimeThatStopsAndAnEpochThatIsOverMayPass(_ code: SagaError.Code) {
        #expect(SagaError(code, "in a moment").mayPass)
        #expect(!SagaError(.unexpectedState, "damaged").mayPass)
    }
}
