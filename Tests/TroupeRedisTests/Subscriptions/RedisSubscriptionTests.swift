import NIOCore
import Testing
import TroupeRedis
import TroupeRedisTestKit

@Suite(.timeLimit(.minutes(2)))
struct RedisSubscriptionTests {
    private func payload(_ event: RedisSubscriptionEvent?) -> String? {
        if case .message(let message) = event { String(buffer: message.payload) } else { nil }
    }

    @Test func tellsOfTheGapAndGoesOnAfterARestart() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client()
        let subscription = redis.subscribe(channels: ["c"], patterns: ["p.*"])
        var events = subscription.makeAsyncIterator()
        #expect(await events.next() == .active)
        for _ in 0..<3 {
            await server.kill()
            #expect(await events.next() == .interrupted)
            try await server.start()
            #expect(await events.next() == .active)
            while (try? await redis.send(.publish("c", "one"))) == nil {}
            #expect(payload(await events.next()) == "one")
        }
        _ = try await redis.send(.publish("p.x", "two"))
        guard case .message(let message) = await events.next() else {
            Issue.record("no message")
            return
        }
        #expect(message.pattern == "p.*")
        #expect(message.channel == "p.x")
        await redis.shutdown()
        #expect(await events.next() == nil)
        await server.stop()
    }

    @Test func tellsOfTheGapWhenTheServerCutsItOff() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client()
        var events = redis.subscribe(channels: ["c"]).makeAsyncIterator()
        #expect(await events.next() == .active)
        _ = try await redis.send(RedisCommand("CLIENT", ["KILL", "TYPE", "pubsub"]))
        #expect(await events.next() == .interrupted)
        #expect(await events.next() == .active)
        await redis.shutdown()
        await server.stop()
    }

    @Test func tellsWhenTheServerFallsSilent() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client { $0.heartbeat = .milliseconds(100) }
        var events = redis.subscribe(channels: ["c"]).makeAsyncIterator()
        #expect(await events.next() == .active)
        server.pause()
        #expect(await events.next() == .interrupted)
        server.resume()
        #expect(await events.next() == .active)
        await redis.shutdown()
        await server.stop()
    }

    @Test func staysActiveWhileNothingIsPublished() async throws {
        let server = try await RedisServer.launch()
        // A machine that stands still for two heartbeats interrupts for good reason.
        let redis = server.client { $0.heartbeat = .seconds(1) }
        var events = redis.subscribe(channels: ["c"]).makeAsyncIterator()
        #expect(await events.next() == .active)
        // Several heartbeats pass while this other call blocks on the server.
        let nothing = try await redis.withLease { lease in
            try await lease.send(RedisCommand("BLPOP", ["nothing", "3.5"]))
        }
        #expect(nothing.isNull)
        _ = try await redis.send(.publish("c", "first after a while"))
        #expect(payload(await events.next()) == "first after a while")
        await redis.shutdown()
        await server.stop()
    }

    @Test func marksAnOverflow() async throws {
        let server = try await RedisServer.launch()
        // On a machine that stands still for a moment, silence would count as an interruption.
        let redis = server.client { $0.heartbeat = .seconds(60) }
        var slow = redis.subscribe(channels: ["c"], buffer: .bounded(10)).makeAsyncIterator()
        var rung = redis.subscribe(channels: ["c"], buffer: .doorbell).makeAsyncIterator()
        var all = redis.subscribe(channels: ["c"], buffer: .bounded(100)).makeAsyncIterator()
        #expect(await slow.next() == .active)
        #expect(await rung.next() == .active)
        #expect(await all.next() == .active)
        for number in 1...25 { _ = try await redis.send(.publish("c", .integer(number))) }
        for number in 1...25 { #expect(payload(await all.next()) == "\(number)") }

        #expect(await slow.next() == .interrupted)
        #expect(await slow.next() == .active)
        #expect(payload(await slow.next()) == "21")
        #expect(payload(await rung.next()) == "1")
        await redis.shutdown()
        #expect(await rung.next() == nil)
        await server.stop()
    }

    @Test func unsubscribesWhenTheIterationEnds() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client()
        let subscription = redis.subscribe(channels: ["c"])
        let task = Task {
            for await event in subscription where event == .active { break }
        }
        await task.value
        try await untilSubscribers(0, redis)

        let waiting = redis.subscribe(channels: ["c"])
        let second = Task { for await _ in waiting {} }
        try await untilSubscribers(1, redis)
        second.cancel()
        await second.value
        try await untilSubscribers(0, redis)

        var forgotten: RedisSubscription? = redis.subscribe(channels: ["c"])
        try await untilSubscribers(1, redis)
        #expect(forgotten != nil)
        forgotten = nil
        try await untilSubscribers(0, redis)
        await redis.shutdown()
        await server.stop()
    }

    @Test func subscribersComeAndGoQuickly() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<300 {
                group.addTask {
                    let subscription = redis.subscribe(channels: ["c\(number % 7)", "all"])
                    if number.isMultiple(of: 3) { return }
                    for await event in subscription where event == .active { break }
                }
            }
        }
        try await untilSubscribers(0, redis, channel: "all")
        await redis.shutdown()
        await server.stop()
    }

    private func untilSubscribers(
        _ count: Int, _ redis: RedisClient, channel: String = "c"
    ) async throws {
        while true {
            let reply = try await redis.send(RedisCommand("PUBSUB", ["NUMSUB", .string(channel)]))
            if reply[1]?.integer == count { return }
        }
    }
}
