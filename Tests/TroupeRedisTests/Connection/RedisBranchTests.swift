import Testing
import TroupeRedis
import TroupeRedisTestKit

/// A connection of its own: what is too large on it fails alone.
@Suite(.redisServer, .timeLimit(.minutes(1)))
struct RedisBranchTests {
    private static let text = RedisScript("return string.rep('x', tonumber(ARGV[1]))")

    @Test func aReplyThatIsTooLargeFailsItsOwnCallAlone() async throws {
        let redis = RedisServer.current.client { $0.disconnectedWait = .seconds(5) }
        let branch = redis.branch(replyBytesMaximum: 100_000)
        _ = try await branch.send(.ping)
        async let others = withTaskGroup(of: RedisError?.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    do throws(RedisError) {
                        _ = try await branch.send(.ping)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }

        let error = await #expect(throws: RedisError.self) {
            try await branch.evaluate(Self.text, keys: [], arguments: [.integer(100_001)])
        }

        #expect(error?.isReplyTooLarge == true && error?.outcome == .unknown)
        for other in await others.compactMap({ $0 }) {
            #expect(!other.isReplyTooLarge && other.code == .connectionLost)
        }
        let after = try await branch.evaluate(Self.text, keys: [], arguments: [.integer(100)])
        #expect(after.string?.count == 100)
        let shared = try await redis.evaluate(Self.text, keys: [], arguments: [.integer(100_001)])
        #expect(shared.string?.count == 100_001)
        await redis.shutdown()
    }

    @Test func itBelongsToTheEpochsOfItsClient() async throws {
        let redis = RedisServer.current.client { $0.disconnectedWait = .seconds(5) }
        let branch = redis.branch(replyBytesMaximum: 100_000)
        let epoch = redis.followEpoch()
        _ = try await redis.send(.ping, in: epoch)
        _ = try await branch.send(.ping, in: epoch)

        _ = try await redis.send(RedisCommand("DEBUG", ["CHANGE-REPL-ID"]))
        await redis.checkEpoch()
        _ = try await redis.send(.ping)

        let next = redis.followEpoch()
        #expect(next > epoch)
        try await eventually("the branch follows") {
            await redis.checkEpoch()
            return (try? await branch.send(.ping, in: next)) != nil
        }
        await redis.shutdown()
        let error = await #expect(throws: RedisError.self) { try await branch.send(.ping) }
        #expect(error?.code == .closed)
    }
}
