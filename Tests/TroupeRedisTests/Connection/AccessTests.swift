import Testing
import TroupeRedis
import TroupeRedisTestKit

/// Ways to reach a server: password, user, socket, database, TLS.
@Suite(.timeLimit(.minutes(3)))
struct AccessTests {
    @Test func authenticatesWithAPassword() async throws {
        let server = try await RedisServer.launch()
        let admin = server.client()
        _ = try await admin.send(.configSet("requirepass", "s3cret"))
        let open = server.client { $0.disconnectedWait = .milliseconds(50) }
        let wrong = server.client {
            $0.password = "wrong"
            $0.disconnectedWait = .milliseconds(50)
        }
        let right = server.client { $0.password = "s3cret" }

        let closed = await #expect(throws: RedisError.self) { try await open.send(.ping) }
        let refused = await #expect(throws: RedisError.self) { try await wrong.send(.ping) }
        #expect(closed?.code == .server("NOAUTH"))
        #expect(refused?.code == .server("WRONGPASS"))
        #expect(try await right.send(.ping).string == "PONG")
        for client in [admin, open, wrong, right] { await client.shutdown() }
        await server.stop()
    }

    @Test func authenticatesAUser() async throws {
        let server = try await RedisServer.launch()
        let admin = server.client()
        _ = try await admin.send(
            RedisCommand(
                "ACL",
                ["SETUSER", "alice", "on", ">pass", "~a:*", "&a:*", "+@all", "-ping", "-client"]))
        let alice = server.client {
            $0.username = "alice"
            $0.password = "pass"
        }
        #expect(try await alice.send(.set("a:1", "x")).string == "OK")
        let error = await #expect(throws: RedisError.self) { try await alice.send(.get("b:1")) }
        #expect(error?.code == .server("NOPERM"))

        // A refused channel stays silent and disturbs no other.
        let forbidden = alice.subscribe(channels: ["b:channel"])
        let allowed = alice.subscribe(channels: ["a:channel"])
        var events = allowed.makeAsyncIterator()
        #expect(await events.next() == .active)
        forbidden.cancel()
        await admin.shutdown()
        await alice.shutdown()
        await server.stop()
    }

    /// Nobody tells of a right that is given.
    @Test func aRefusedChannelIsActiveOnceItIsPermitted() async throws {
        let server = try await RedisServer.launch()
        let admin = server.client()
        func rights(_ rules: RedisArgument...) async throws {
            _ = try await admin.send(RedisCommand("ACL", ["SETUSER", "bob"] + rules))
        }
        try await rights("on", ">pass", "~*", "+@all", "resetchannels")
        let bob = server.client {
            $0.username = "bob"
            $0.password = "pass"
            $0.heartbeat = .milliseconds(20)
        }
        var events = bob.subscribe(channels: ["c"]).makeAsyncIterator()

        try await eventually("it is refused") {
            try await admin.send(RedisCommand("ACL", ["LOG"])).requireArray().isEmpty == false
        }
        try await rights("&c")

        #expect(await events.next() == .active)
        await admin.shutdown()
        await bob.shutdown()
        await server.stop()
    }

    @Test func connectsThroughASocketAndSelectsADatabase() async throws {
        let server = try await RedisServer.launch()
        let url = "unix://\(server.socketPath)?db=3"
        var configuration = try RedisConfiguration(url: url)
        configuration.clientName = "by-socket"
        let redis = server.client { $0 = configuration }
        let plain = server.client()
        _ = try await redis.send(.set("only-in-3", "x"))
        #expect(try await plain.send(.exists("only-in-3")).integer == 0)
        #expect(try await redis.send(RedisCommand("CLIENT", ["GETNAME"])).string == "by-socket")
        await redis.shutdown()
        await plain.shutdown()
        await server.stop()
    }

    @Test func encryptsWithTLS() async throws {
        guard let certificates = try await Certificates.make() else { return }
        defer { certificates.remove() }
        let port = try FreePort.find()
        let server = try await RedisServer.launch(
            .init(arguments: [
                "--tls-port", "\(port)", "--tls-cert-file", certificates.certificate,
                "--tls-key-file", certificates.key, "--tls-ca-cert-file", certificates.certificate,
                "--tls-auth-clients", "no",
            ]))
        var configuration = try RedisConfiguration(url: "rediss://localhost:\(port)")
        configuration.tls?.authorityFile = certificates.certificate
        let redis = server.client { $0 = configuration }
        #expect(try await redis.send(.set("k", "over TLS")).string == "OK")
        let large = String(repeating: "x", count: 3_000_000)
        _ = try await redis.send(.set("large", .string(large)))
        #expect(try await redis.send(.get("large")).string == large)
        let subscription = redis.subscribe(channels: ["c"])
        var events = subscription.makeAsyncIterator()
        #expect(await events.next() == .active)

        configuration.tls?.authorityFile = nil
        configuration.disconnectedWait = .milliseconds(50)
        let stranger = server.client { $0 = configuration }
        let error = await #expect(throws: RedisError.self) { try await stranger.send(.ping) }
        #expect(error?.code == .connectionLost)
        for client in [redis, stranger] { await client.shutdown() }
        await server.stop()
    }

    @Test func spreadsKeysOverSeveralConnections() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client {
            $0.sharedConnections = 4
            $0.clientName = "spread"
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask {
                    let results = try await redis.send(batch: [
                        .set("k\(number)", .integer(number)), .incr("k\(number)"),
                    ])
                    #expect(try results[1].get().integer == number + 1)
                    #expect(try await redis.send(.get("k\(number)")).integer == number + 1)
                }
            }
            try await group.waitForAll()
        }
        let clients = try await redis.send(RedisCommand("CLIENT", ["LIST"])).requireString()
        let names = clients.split(separator: "\n").filter { $0.contains("name=spread") }
        #expect(names.count == 4, "\(clients)")
        await redis.shutdown()
        await server.stop()
    }

    @Test func failsEveryCallWhenSettingsCannotWork() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client { $0.commandsInFlight = 0 }
        let error = await #expect(throws: RedisError.self) { try await redis.send(.ping) }
        #expect(error?.code == .invalidConfiguration)
        await redis.shutdown()
        await server.stop()
    }
}
