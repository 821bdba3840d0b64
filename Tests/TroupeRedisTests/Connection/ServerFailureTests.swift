import NIOCore
import Synchronization
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// The server dies, freezes and comes back.
///
/// Each test has a server of its own.
@Suite(.timeLimit(.minutes(2)), .serialized)
struct ServerFailureTests {
    @Test func healsSoonAfterTheServerIsBackAndLosesNothingAcknowledged() async throws {
        let server = try await RedisServer.launch(.init(isDurable: true))
        let redis = server.client()
        let tally = Tally()
        let load = Task {
            await withTaskGroup(of: Void.self) { group in
                for writer in 0..<20 {
                    group.addTask {
                        var number = writer
                        while !Task.isCancelled {
                            let start = ContinuousClock.now
                            let reply = try? await redis.send(.set("k\(number)", .integer(number)))
                            let elapsed = ContinuousClock.now - start
                            tally.note(elapsed)
                            if reply?.string == "OK" { tally.acknowledge(number) }
                            number += 20
                        }
                    }
                }
            }
        }
        try await eventually("many are acknowledged") { tally.acknowledged.count > 500 }
        await server.kill()
        let error = await #expect(throws: RedisError.self) { try await redis.send(.ping) }
        #expect(error?.code == .connectionLost)
        try await server.start()
        let back = ContinuousClock.now
        while (try? await redis.send(.ping)) == nil {}
        let healed = ContinuousClock.now - back
        let before = tally.acknowledged.count
        try await eventually("many more are") { tally.acknowledged.count > before + 500 }
        load.cancel()
        await load.value

        // Milliseconds on a machine that has time; the limits only tell healing from hanging.
        #expect(healed < .seconds(10))
        #expect(tally.slowest < .seconds(20))
        for number in tally.acknowledged {
            #expect(try await redis.send(.get("k\(number)")).integer == number)
        }
        await redis.shutdown()
        await server.stop()
    }

    @Test func failsFastWhileTheServerIsAway() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client()
        _ = try await redis.send(.ping)
        await server.stop()
        _ = try? await redis.send(.ping)
        for _ in 0..<3 {
            let start = ContinuousClock.now
            let error = await #expect(throws: RedisError.self) {
                try await redis.send(.set("k", "v"))
            }
            #expect(error?.outcome == .notSent)
            #expect(error?.retry == .later)
            #expect(ContinuousClock.now - start < .seconds(4))
        }
        await redis.shutdown()
    }

    @Test func timesOutWhileTheServerIsFrozen() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client { $0.commandTimeout = .milliseconds(200) }
        _ = try await redis.send(.ping)
        server.pause()
        let outcomes = await withTaskGroup(of: RedisError.Code?.self) { group in
            for number in 0..<50 {
                group.addTask {
                    do throws(RedisError) {
                        _ = try await redis.send(.set("k\(number)", "v"))
                        return nil
                    } catch {
                        return error.code
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        server.resume()
        #expect(outcomes.allSatisfy { $0 == .timedOut })
        while (try? await redis.send(.ping)) == nil {}
        #expect(try await redis.send(RedisCommand("ECHO", ["x"])).string == "x")
        await redis.shutdown()
        await server.stop()
    }

    @Test func movesLargeValuesBothWaysAtOnce() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client { $0.commandTimeout = .seconds(30) }
        let value = ByteBuffer(repeating: UInt8(ascii: "v"), count: 12 * 1024 * 1024)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<4 {
                group.addTask {
                    for _ in 0..<3 {
                        _ = try await redis.send(.set("big\(number)", .buffer(value)))
                        let back = try await redis.send(.get("big\(number)"))
                        #expect(back.buffer == value)
                    }
                }
            }
            try await group.waitForAll()
        }
        let batch: [RedisCommand] = (0..<4).flatMap {
            [.get("big\($0)"), .set("copy\($0)", .buffer(value))]
        }
        let results = try await redis.send(batch: batch)
        for result in results { #expect(try result.get().isNull == false) }
        await redis.shutdown()
        await server.stop()
    }

    /// Every write crosses the limit here, so that the network asks for more in the middle of it.
    @Test func keepsRepliesApartWhileTheNetworkIsFull() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client {
            $0.bytesQueued = 4096
            $0.commandTimeout = .seconds(30)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask {
                    let text = String(repeating: "\(number),", count: 40_000)
                    for _ in 0..<5 {
                        let reply = try await redis.send(RedisCommand("ECHO", [.string(text)]))
                        #expect(reply.buffer?.readableBytes == text.utf8.count)
                        #expect(reply.string?.hasPrefix("\(number),") == true)
                    }
                }
            }
            try await group.waitForAll()
        }
        await redis.shutdown()
        await server.stop()
    }

    @Test func leavesNoServerBehind() async throws {
        var server: RedisServer? = try await RedisServer.launch()
        let redis = try #require(server).client { $0.disconnectedWait = .milliseconds(50) }
        _ = try await redis.send(.ping)
        server = nil
        while (try? await redis.send(.ping)) != nil {}
        await redis.shutdown()
    }
}

/// What the writers saw.
private final class Tally: Sendable {
    private let numbers = Mutex<[Int]>([])
    private let longest = Mutex(Duration.zero)

    var acknowledged: [Int] { numbers.withLock { $0 } }
    var slowest: Duration { longest.withLock { $0 } }

    func acknowledge(_ number: Int) {
        numbers.withLock { $0.append(number) }
    }

    func note(_ elapsed: Duration) {
        longest.withLock { $0 = max($0, elapsed) }
    }
}
