import NIOCore
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// A call can end at any moment; the replies of the others stay theirs.
@Suite(.redisServer, .timeLimit(.minutes(3)), .serialized)
struct CancellationTests {
    @Test func aTaskCancelledBeforeSendsNothing() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let task = Task { () async -> RedisError? in
                while !Task.isCancelled { await Task.yield() }
                return await #expect(throws: RedisError.self) {
                    try await redis.send(.set(prefix + "k", "v"))
                }
            }
            task.cancel()
            let error = await task.value
            #expect(error?.code == .cancelled)
            #expect(error?.outcome == .notSent)
            let written = try await redis.send(.exists(prefix + "k"))
            #expect(written.integer == 0)
        }
    }

    @Test func aCallThatWasSentEndsAtOnceAndItsReplyIsDiscarded() async throws {
        let server = RedisServer.current
        try await server.withKeyspace { redis, prefix in
            _ = try await redis.send(.set(prefix + "a", "1"))
            server.pause()
            // On a busy machine the yields below take longer than a command may by default.
            let limit = Duration.seconds(60)
            let task = Task {
                await #expect(throws: RedisError.self) {
                    try await redis.send(.incr(prefix + "a"), timeout: limit)
                }
            }
            // Behind it in the line; it shows when the first one has been written.
            async let second = redis.send(.set(prefix + "b", "2"), timeout: limit)
            for _ in 0..<1000 { await Task.yield() }
            task.cancel()
            let error = await task.value
            server.resume()

            #expect(error?.code == .cancelled)
            #expect(try await second.string == "OK")
            #expect(try await redis.send(.get(prefix + "b")).integer == 2)
            let value = try await redis.send(.get(prefix + "a")).integer
            #expect(error?.outcome == .unknown ? value == 2 : value == 1)
        }
    }

    @Test func nothingIsMixedUpWhenManyAreCancelledAtRandom() async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<2000 {
                    group.addTask {
                        let text = prefix + "\(number)"
                        let call = Task {
                            try await redis.send(RedisCommand("ECHO", [.string(text)]))
                        }
                        for _ in 0..<(number % 17) { await Task.yield() }
                        if number % 3 == 0 { call.cancel() }
                        do {
                            let reply = try await call.value
                            #expect(reply.string == text)
                            return 1
                        } catch {
                            #expect((error as? RedisError)?.code == .cancelled)
                            return 0
                        }
                    }
                }
                let answered = try await group.reduce(0, +)
                #expect(answered >= 1333)
            }
            #expect(try await redis.send(RedisCommand("ECHO", ["last"])).string == "last")
        }
    }

    @Test func aTimeOutMixesNothingUp() async throws {
        let server = RedisServer.current
        try await server.withKeyspace { redis, prefix in
            _ = try await redis.send(.set(prefix + "k", "old"))
            server.pause()
            let error = await #expect(throws: RedisError.self) {
                try await redis.send(
                    RedisCommand("GETSET", [.string(prefix + "k"), "new"]),
                    timeout: .milliseconds(50))
            }
            server.resume()
            #expect(error?.code == .timedOut)
            #expect(error?.outcome == .unknown)
            #expect(try await redis.send(.get(prefix + "k")).string == "new")
        }
    }

    @Test func aBatchThatTimesOutMixesNothingUp() async throws {
        let server = RedisServer.current
        try await server.withKeyspace { redis, prefix in
            _ = try await redis.send(.ping)
            server.pause()
            let error = await #expect(throws: RedisError.self) {
                try await redis.send(
                    batch: [.incr(prefix + "n"), .incr(prefix + "n")], timeout: .milliseconds(50))
            }
            server.resume()
            #expect(error?.code == .timedOut)
            #expect(try await redis.send(.incr(prefix + "n")).integer == 3)
        }
    }
}
