import Foundation
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// What is called ready, works; and what is not, says why.
@Suite(.timeLimit(.minutes(5)))
struct ReadinessTests {
    private struct Running {
        var redis: RedisServer
        var program: LoneProgram
        var port: Int

        func readiness() async -> WebAnswer? { await program.readiness(of: port) }

        func close() async {
            await program.close()
            await redis.stop()
        }
    }

    private func start(_ command: String, offset: Int) async throws -> Running {
        let redis = try await RedisServer.launch()
        let addresses = try await Ports.free()
        let port = addresses.gateway + offset
        let program = try LoneProgram(
            command, ["--grace", "0"], port: port, variables: ["REDIS_URL": redis.url])
        let running = Running(redis: redis, program: program, port: port)
        try await eventually("\(command) is ready") { await running.readiness()?.status == 200 }
        return running
    }

    private func send(_ words: [String], to redis: RedisServer) async throws {
        let client = redis.client()
        _ = try await client.send(
            RedisCommand(words[0], words.dropFirst().map { .string($0) }))
        await client.shutdown()
    }

    /// Each takes away something, and is found in the answer.
    private static let losses: [(words: [String], reason: String)] = [
        (["ACL", "SETUSER", "default", "resetchannels"], "+publish +subscribe '&saga.*'"),
        (["ACL", "SETUSER", "default", "-xclaim"], "ACL SETUSER default +xclaim"),
        (["ACL", "SETUSER", "default", "-eval"], "may not run EVAL"),
        (["CONFIG", "SET", "maxmemory", "1"], "it takes no writes: OOM"),
        (["REPLICAOF", "127.0.0.1", "1"], "read-only replica"),
        (["SET", "saga:{order}:OrderCreated", "mine"], "has to be a stream"),
        (["SET", "saga:{payment}:dead", "mine"], "has to be a stream"),
        (["CONFIG", "SET", "min-replicas-to-write", "3"], "it takes no writes: NOREPLICAS"),
    ]

    @Test(arguments: ReadinessTests.losses.indices)
    func aServiceThatCannotWorkIsNotReadyAndSaysWhy(index: Int) async throws {
        let loss = Self.losses[index]
        let running = try await start("serve payments", offset: 4)

        try await send(loss.words, to: running.redis)

        try await eventually("it is not ready") { await running.readiness()?.status == 503 }
        let body = await running.readiness()?.body ?? ""
        #expect(body.contains(loss.reason), "\(body)")
        await running.close()
    }

    @Test func aServiceWhoseRedisIsAwayIsNotReady() async throws {
        let running = try await start("serve users", offset: 1)

        await running.redis.stop()

        try await eventually("it is not ready") { await running.readiness()?.status == 503 }
        await running.close()
    }

    @Test func aGatewayWhoseRedisIsAwayIsReadyAndDegraded() async throws {
        let running = try await start("gateway", offset: 0)

        await running.redis.stop()

        try await eventually("it is degraded") {
            await running.readiness()?.body.hasSuffix("degraded\n") == true
        }
        #expect(await running.readiness()?.status == 200)
        // Neither is it worse later, when the cache has been out of use for long.
        try await running.redis.start()
        try await eventually("it is well again") {
            await running.readiness()?.body == "ok\n"
        }
        await running.close()
    }

    /// What makes a cache of its own useless, while all that matters works.
    private static let cacheLosses: [(words: [String], reason: String)] = [
        (["CONFIG", "SET", "maxmemory", "1"], "it takes no writes: OOM"),
        (["CONFIG", "SET", "min-replicas-to-write", "3"], "it takes no writes: NOREPLICAS"),
        (["REPLICAOF", "127.0.0.1", "1"], "read-only replica"),
    ]

    @Test(arguments: ReadinessTests.cacheLosses.indices)
    func aGatewayWhoseCacheTakesNoWritesIsReadyAndDegraded(index: Int) async throws {
        let loss = Self.cacheLosses[index]
        let redis = try await RedisServer.launch()
        let cache = try await RedisServer.launch()
        let port = try await Ports.free().gateway
        let gateway = try LoneProgram(
            "gateway", ["--grace", "0"], port: port,
            variables: ["REDIS_URL": redis.url, "TROUPE_CACHE_REDIS": cache.url])
        try await eventually("it is ready") { await gateway.readiness(of: port)?.body == "ok\n" }

        try await send(loss.words, to: cache)

        try await eventually("it is degraded") {
            await gateway.readiness(of: port)?.body.hasSuffix("degraded\n") == true
        }
        let answer = await gateway.readiness(of: port)
        #expect(
            answer?.status == 200 && answer?.body.contains(loss.reason) == true, "\(answer as Any)")
        await gateway.close()
        await cache.stop()
        await redis.stop()
    }

    @Test func aGatewayThatMayNotHearEventsIsNotReady() async throws {
        let running = try await start("gateway", offset: 0)

        try await send(["ACL", "SETUSER", "default", "-subscribe"], to: running.redis)

        try await eventually("it is not ready") { await running.readiness()?.status == 503 }
        let body = await running.readiness()?.body ?? ""
        #expect(body.contains("ACL SETUSER default +subscribe"), "\(body)")
        await running.close()
    }

    /// Its own messages go nowhere, although nothing that a rehearsal asks is refused.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["TROUPE_LONG_TESTS"] != nil))
    func aGatewayWhoseCacheStaysOutOfUseIsNotReady() async throws {
        let redis = try await RedisServer.launch()
        let url = try await redis.createUser("~* &saga.* &cache.rehearsal +@all")
        let port = try await Ports.free().gateway
        let gateway = try LoneProgram(
            "gateway", ["--grace", "0"], port: port, variables: ["REDIS_URL": url])
        try await eventually("it is ready") { await gateway.readiness(of: port)?.status == 200 }

        try await eventually("it is not") { await gateway.readiness(of: port)?.status == 503 }

        let body = await gateway.readiness(of: port)?.body ?? ""
        #expect(body.hasPrefix("[-]feed failed: "), "\(body)")
        await gateway.close()
        await redis.stop()
    }

    @Test(arguments: ["up", "serve payments", "gateway", "doctor"])
    func aClusterIsRefusedWithASentence(command: String) async throws {
        let node = try await RedisServer.launch(.init(arguments: ["--cluster-enabled", "yes"]))
        let addresses = try await Ports.free()

        let program = try LoneProgram(
            command, port: addresses.gateway, variables: ["REDIS_URL": node.url])

        #expect(await program.child.exitStatus() == 4, "\(program.output)")
        #expect(program.output.contains("node of a Redis Cluster"), "\(program.output)")
        await program.close()
        await node.stop()
    }

    @Test(arguments: ["up", "serve payments", "gateway"])
    func aUserWithoutChannelsIsRefusedWithTheRule(command: String) async throws {
        let redis = try await RedisServer.launch()
        let url = try await redis.createUser("~* +@all")
        let addresses = try await Ports.free()

        let program = try LoneProgram(
            command, port: addresses.gateway, variables: ["REDIS_URL": url])

        #expect(await program.child.exitStatus() == 4, "\(program.output)")
        #expect(program.output.contains("ACL SETUSER app "), "\(program.output)")
        #expect(program.output.contains("&saga.*"), "\(program.output)")
        await program.close()
        await redis.stop()
    }

    @Test func doctorLooksAtTheRedisOfTheCacheToo() async throws {
        let redis = try await RedisServer.launch(.init(isDurable: true))
        let cache = try await RedisServer.launch()
        let url = try await cache.createUser("~cache:* +@all -pttl")
        let port = try await Ports.free().gateway

        let doctor = try LoneProgram(
            "doctor", port: port,
            variables: ["REDIS_URL": redis.url, "TROUPE_CACHE_REDIS": url])

        #expect(await doctor.child.exitStatus() == 1, "\(doctor.output)")
        #expect(doctor.output.contains("cache rights"), "\(doctor.output)")
        #expect(
            doctor.output.contains(
                "redis-cli -h 127.0.0.1 -p \(cache.port) ACL SETUSER app +pttl"), "\(doctor.output)"
        )
        await doctor.close()
        await cache.stop()
        await redis.stop()
    }

    @Test func aServiceOfRecordsNeedsNoRightsToSagas() async throws {
        let redis = try await RedisServer.launch()
        let role = RedisRole.service(.users, namespace: nil)
        let url = try await redis.createUser(role.rule)
        let addresses = try await Ports.free()
        let port = addresses.port(of: .users)
        let users = try LoneProgram(
            "serve users", ["--grace", "0"], port: port, variables: ["REDIS_URL": url])
        let place = addresses.url(of: .users)

        try await eventually("it is ready") { await users.readiness(of: port)?.status == 200 }

        try await eventually("the demo users are there") {
            (try? await Web.get("\(place)/users/1"))?.status == 200
        }
        let created = try await Web.send(
            "POST", "\(place)/users", #"{"name":"Ada","email":"ada@example.org"}"#)
        #expect(created.status == 201, "\(created)")
        let changed = try await Web.send("PATCH", "\(place)/users/1", #"{"name":"Eda"}"#)
        #expect(changed.status == 200, "\(changed)")
        #expect(try await Web.get("\(place)/users?limit=1").status == 200)
        #expect(!role.rule.contains("saga"))
        await users.close()
        await redis.stop()
    }

    @Test func doctorNamesTheCommandThatIsRefused() async throws {
        let redis = try await RedisServer.launch(.init(isDurable: true))
        let url = try await redis.createUser("~* &* +@all -@dangerous")
        let addresses = try await Ports.free()

        let doctor = try LoneProgram(
            "doctor", port: addresses.gateway, variables: ["REDIS_URL": url])

        #expect(await doctor.child.exitStatus() == 1, "\(doctor.output)")
        #expect(doctor.output.contains("may not run INFO"), "\(doctor.output)")
        #expect(
            doctor.output.contains(
                "redis-cli -h 127.0.0.1 -p \(redis.port) ACL SETUSER app +info"), "\(doctor.output)"
        )
        #expect(!doctor.output.contains("user:password"))
        await doctor.close()
        await redis.stop()
    }
}
