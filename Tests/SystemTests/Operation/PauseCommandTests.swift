import SagaRedis
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// `troupe pause` and `troupe resume` as a person uses them; what services do about it is tested
/// with the engine.
@Suite(.timeLimit(.minutes(2)))
struct PauseCommandTests {
    private static func run(
        _ words: [String], _ redis: String
    ) async throws -> (status: Int32?, output: String) {
        let program = try LoneProgram(
            words[0], Array(words.dropFirst()), variables: ["REDIS_URL": redis])
        let status = await program.child.exitStatus()
        let output = program.output
        await program.close()
        return (status, output)
    }

    @Test func whatIsToldIsDoneOnceAndADryRunDoesNothing() async throws {
        let redis = try await RedisServer.launch()
        let client = redis.client()
        let keys = SagaKeys(namespace: "")
        let key = keys.paused("payment")
        _ = try await client.send(.set(keys.born("payment"), "0 1"))

        let would = try await Self.run(["pause", "payments", "--dry-run"], redis.url)
        #expect(would.status == 0)
        #expect(would.output == "payment would be paused\n")
        #expect(try await client.send(.get(key)).string == nil)

        let reason = ["--reason", "a new version"]
        let paused = try await Self.run(["pause", "payments"] + reason, redis.url)
        #expect(paused.status == 0)
        #expect(
            paused.output
                == "payment reads nothing from now on; next: troupe resume payment\n")
        let text = try #require(try await client.send(.get(key)).string)
        #expect(text.hasSuffix(" a new version"), "\(text)")

        // Whoever paused it first said why.
        let again = try await Self.run(["pause", "payment", "--reason", "another"], redis.url)
        #expect(again.status == 0)
        #expect(again.output == "payment is paused already, since \(text)\n")
        #expect(try await client.send(.get(key)).string == text)

        let wouldResume = try await Self.run(["resume", "Payments", "--dry-run"], redis.url)
        #expect(wouldResume.status == 0)
        #expect(wouldResume.output == "payment would be resumed\n")
        #expect(try await client.send(.get(key)).string == text)

        let resumed = try await Self.run(["resume", "Payments"], redis.url)
        #expect(resumed.status == 0)
        #expect(resumed.output == "payment reads again within a second\n")
        #expect(try await client.send(.get(key)).string == nil)

        let idle = try await Self.run(["resume", "payment"], redis.url)
        #expect(idle.status == 0)
        #expect(idle.output == "payment is not paused\n")
        await client.shutdown()
        await redis.stop()
    }

    /// In a namespace of its own nobody else's service is meant.
    @Test func theNamespaceIsKeptTo() async throws {
        let redis = try await RedisServer.launch()
        let client = redis.client()
        let (mine, other) = (SagaKeys(namespace: "mine"), SagaKeys(namespace: ""))
        for keys in [mine, other] { _ = try await client.send(.set(keys.born("hotels"), "0 1")) }

        let paused = try await Self.run(
            ["pause", "hotels", "--namespace", "mine"], redis.url)

        #expect(paused.status == 0, "\(paused.output)")
        #expect(try await client.send(.get(mine.paused("hotels"))).string != nil)
        #expect(try await client.send(.get(other.paused("hotels"))).string == nil)
        await client.shutdown()
        await redis.stop()
    }

    @Test(arguments: ["pause", "resume"])
    func whatCannotBeDoneHasItsExitCode(_ verb: String) async throws {
        let redis = try await RedisServer.launch()

        let unknown = try await Self.run([verb, "payment"], redis.url)
        #expect(unknown.status == 3)
        #expect(unknown.output.contains("no service “payment” takes part"), "\(unknown.output)")
        #expect(unknown.output.contains("try: troupe doctor"), "\(unknown.output)")

        // There is nothing to agree to: what it does can be taken back at any time.
        for words in [[verb], [verb, "payment", "-y"], [verb, "payment", "--namespace", "a b"]] {
            let wrong = try await Self.run(words, redis.url)
            #expect(wrong.status == 2, "\(words) \(wrong.output)")
        }

        await redis.stop()
        let away = try await Self.run([verb, "payment"], redis.url)
        #expect(away.status == 4, "\(away.output)")
    }
}
