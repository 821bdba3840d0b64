import Foundation
import Logging
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// `doctor`, readiness and the start do what the work does.
@Suite(.timeLimit(.minutes(5)))
struct RehearsalTests {
    private let logger = Logger.silent
    private static let role = RedisRole.everything(namespace: nil, withCache: true)

    private func shortcomings(
        of redis: RedisServer, user: String? = nil, as role: RedisRole = role,
        within limit: Duration = .seconds(40)
    ) async throws -> [Shortcoming] {
        let login = user.map { "\($0):secret@" } ?? ""
        let address = try RedisAddress(
            url: "redis://\(login)127.0.0.1:\(redis.port)", source: "test")
        return await Rehearsal.shortcomings(
            of: address, as: role, within: limit, logger: logger)
    }

    private static func configuration(_ redis: RedisServer) -> RedisConfiguration {
        var configuration = RedisConfiguration()
        configuration.address = .tcp(host: "127.0.0.1", port: redis.port)
        return configuration
    }

    private func createUser(_ rule: String, on redis: RedisServer) async throws {
        let words =
            ["SETUSER", "app", "reset", "on", ">secret"]
            + rule.split(separator: " ")
            .map(String.init)
        let client = redis.client()
        _ = try await client.send(RedisCommand("ACL", words.map { .string($0) }))
        await client.shutdown()
    }

    @Test func aPlainRedisHasNoneAndKeepsNothingOfIt() async throws {
        let redis = try await RedisServer.launch()
        let client = redis.client()

        #expect(try await shortcomings(of: redis) == [])

        #expect(try await client.send(.dbsize).integer == 0)
        await client.shutdown()
        await redis.stop()
    }

    @Test func nothingIsPublished() async throws {
        let redis = try await RedisServer.launch()
        let client = redis.client()
        var channels: [String] = []
        for await event in client.subscribe(channels: ["end"], patterns: ["saga.*", "cache.*"]) {
            if case .message(let message) = event {
                channels.append(message.channel)
                break
            }
            // Once more after an interruption, in which a message may have been lost.
            guard event == .active else { continue }
            _ = try await shortcomings(of: redis)
            _ = try await client.send(.publish("end", "1"))
        }
        #expect(channels == ["end"])
        await client.shutdown()
        await redis.stop()
    }

    /// Users that people really make, and the rule that each of them needs more.
    private static let profiles: [(rule: String, missing: String)] = [
        ("~* +@all", "+publish +subscribe &saga.* &cache.*"),
        ("~* &* +@all -@dangerous", "+info"),
        ("~* &* +@all -@scripting", "+eval +evalsha"),
        ("~saga:* ~{* ~cache:* &saga.* &cache.* +@all -@dangerous +info", ""),
        ("~* &* +@all -subscribe -psubscribe", "+subscribe"),
        ("~* &* +@all -xclaim -xinfo", "+xclaim +xinfo"),
        ("~saga:* ~cache:* &* +@all", "~{payment}:* ~{user}:*"),
    ]

    @Test(arguments: RehearsalTests.profiles.indices)
    func theRightThatIsMissingIsNamedAndHelps(index: Int) async throws {
        let profile = Self.profiles[index]
        let redis = try await RedisServer.launch()
        try await createUser(profile.rule, on: redis)

        let found = try await shortcomings(of: redis, user: "app")

        if profile.missing.isEmpty {
            #expect(found == [])
        } else {
            let worst = try #require(found.first)
            let tool = "redis-cli -h 127.0.0.1 -p \(redis.port) "
            let remedy = worst.remedy(on: Self.configuration(redis)).replacing("'", with: "")
            #expect(remedy.hasPrefix(tool), "\(remedy)")
            let command = String(remedy.dropFirst(tool.count))
            #expect(worst.subject == "rights" && worst.forbidsStart, "\(worst)")
            #expect(command.hasPrefix("ACL SETUSER app "), "\(command)")
            for rule in profile.missing.split(separator: " ") {
                #expect(command.contains(rule), "\(command)")
            }
            // As the remedy says, to the letter.
            let words = command.split(separator: " ").map(String.init)
            let client = redis.client()
            _ = try await client.send(
                RedisCommand(words[0], words.dropFirst().map { .string($0) }))
            await client.shutdown()
            #expect(try await shortcomings(of: redis, user: "app") == [])
        }
        await redis.stop()
    }

    @Test func theRuleOfEachRoleIsEnoughForIt() async throws {
        let roles: [RedisRole] = [
            .everything(namespace: "shop", withCache: true), .events(namespace: nil),
            .cache(namespace: nil), .service(.payments, namespace: nil),
        ]
        let redis = try await RedisServer.launch()
        for role in roles {
            try await createUser(role.rule, on: redis)
            #expect(try await shortcomings(of: redis, user: "app", as: role) == [])
        }
        await redis.stop()
    }

    @Test func aClusterIsRefusedInASentence() async throws {
        let node = try await RedisServer.launch(.init(arguments: ["--cluster-enabled", "yes"]))

        let found = try await shortcomings(of: node)

        #expect(found == [.cluster])
        #expect(found.first?.forbidsStart == true)
        #expect(found.first?.what.contains("Redis Cluster") == true)
        await node.stop()
    }

    @Test func aFullRedisTakesNoWritesAndMayComeRound() async throws {
        let redis = try await RedisServer.launch(
            .init(arguments: ["--maxmemory", "1", "--maxmemory-policy", "noeviction"]))

        let found = try await shortcomings(of: redis)

        guard case .takesNoWrites(let reason) = found.first else {
            throw NeverHappened(what: "takesNoWrites, not \(found)")
        }
        #expect(reason.hasPrefix("OOM") && !reason.contains("script"))
        #expect(found.first?.isLasting == false && found.first?.forbidsStart == false)
        await redis.stop()
    }

    @Test func aReplicaIsNamed() async throws {
        let replica = try await RedisServer.launch(
            .init(arguments: ["--replicaof", "127.0.0.1", "1"]))

        #expect(try await shortcomings(of: replica) == [.replica])
        await replica.stop()
    }

    @Test func aStreamsKeyOfAnotherTypeIsNamed() async throws {
        let redis = try await RedisServer.launch()
        let client = redis.client()
        _ = try await client.send(.set("saga:{order}:OrderCreated", "mine"))
        _ = try await client.send(.set("saga:{payment}:timers", "mine"))

        let found = try await shortcomings(of: redis)

        #expect(found.count == 2)
        #expect(
            found.contains(
                .wrongType(key: "saga:{payment}:timers", type: "string", expected: "zset")))
        #expect(
            found.contains(
                .wrongType(
                    key: "saga:{order}:OrderCreated", type: "string", expected: "stream")))
        #expect(found.allSatisfy { $0.subject == "data" && $0.isLasting })
        await client.shutdown()
        await redis.stop()
    }

    @Test func aStreamWithoutIDsLeftIsNamed() async throws {
        let redis = try await RedisServer.launch()
        let client = redis.client()
        for (key, id) in [
            ("saga:{order}:OrderCreated", "18446744073709551615-18446744073709551615"),
            ("saga:{payment}:dead", "18446744073709551615-18446744073709551614"),
        ] {
            _ = try await client.send(
                RedisCommand("XADD", [.string(key), .string(id), "data", "x"]))
        }

        let found = try await shortcomings(of: redis)

        #expect(found == [.usedUp(key: "saga:{order}:OrderCreated")])
        #expect(found.first?.subject == "data" && found.first?.isLasting == true)
        await client.shutdown()
        await redis.stop()
    }

    /// Every key that bears one name, of every service and of the cache.
    @Test func everyStandingKeyOfAnotherTypeIsNamed() async throws {
        let redis = try await RedisServer.launch()
        let client = redis.client()
        let keys = Self.role.standingKeys
        for key in keys {
            let command: RedisCommand =
                key.kind == .string
                ? RedisCommand("RPUSH", [.string(key.name), "mine"]) : .set(key.name, "mine")
            _ = try await client.send(command)
        }

        let found = try await shortcomings(of: redis)

        let expected: [Shortcoming] = keys.map {
            .wrongType(
                key: $0.name, type: $0.kind == .string ? "list" : "string",
                expected: $0.kind.rawValue)
        }
        #expect(found == expected)
        for name in ["{order}:orders", "{user}:users", "{product}:products", "cache:epoch"] {
            #expect(keys.contains { $0.name == name })
        }
        await client.shutdown()
        await redis.stop()
    }

    @Test func aWrongKeyIsNamedAlsoWhereItsTypeMayNotBeAsked() async throws {
        let redis = try await RedisServer.launch()
        let role = RedisRole.events(namespace: nil)
        try await createUser(role.rule, on: redis)
        let client = redis.client()
        _ = try await client.send(.set("saga:{order}:OrderCreated", "mine"))

        let found = try await shortcomings(of: redis, user: "app", as: role)

        #expect(
            found == [
                .wrongType(key: "saga:{order}:OrderCreated", type: nil, expected: "stream")
            ])
        #expect(found.first?.what.contains("is of another type and has to be a stream") == true)
        await client.shutdown()
        await redis.stop()
    }

    /// Neither a service nor an event is there whose writes would fail.
    @Test func theCacheAloneIsRehearsedByWriting() async throws {
        let redis = try await RedisServer.launch()
        let role = RedisRole.cache(namespace: "shop")
        try await createUser(role.rule, on: redis)
        let client = redis.client()

        #expect(try await shortcomings(of: redis, user: "app", as: role) == [])
        #expect(try await client.send(.dbsize).integer == 0)
        _ = try await client.send(RedisCommand("CONFIG", ["SET", "maxmemory", "1"]))
        let full = try await shortcomings(of: redis, user: "app", as: role)

        #expect(full == [.takesNoWrites("OOM command not allowed when used memory > 'maxmemory'.")])
        await client.shutdown()
        await redis.stop()
    }

    @Test func aRemovedCommandIsNamed() async throws {
        let redis = try await RedisServer.launch(
            .init(arguments: ["--rename-command", "XCLAIM", ""]))

        let worst = try await shortcomings(of: redis).first

        #expect(worst?.what.contains("does not know XCLAIM") == true, "\(worst as Any)")
        #expect(worst?.remedy(on: Self.configuration(redis)).contains("rename-command") == true)
        await redis.stop()
    }

    private static let replies: [(String, Shortcoming)] = [
        ("LOADING Redis is loading", .loading), ("READONLY You can't write", .replica),
        ("MASTERDOWN Link with MASTER is down", .replica),
        (
            "OOM command not allowed script: abc, on @user_script:1.",
            .takesNoWrites("OOM command not allowed")
        ),
        (
            "MISCONF Redis is configured to save",
            .takesNoWrites("MISCONF Redis is configured to save")
        ),
        ("NOREPLICAS Not enough", .takesNoWrites("NOREPLICAS Not enough")),
        ("WRONGPASS invalid", .refusesUs("WRONGPASS invalid")),
        ("MOVED 1 a:1", .cluster), ("CLUSTERDOWN Hash slot not served", .cluster),
        ("ERR DB index is out of range", .noDatabase),
        ("ERR what", .odd("ERR what")),
    ]

    @Test(arguments: RehearsalTests.replies.indices)
    func whatRedisRefusesIsToldApart(index: Int) {
        let (text, meaning) = Self.replies[index]
        let error = RedisError(
            .server(String(text.prefix { $0 != " " })), text, outcome: .answered)

        #expect(Shortcoming(error) == meaning)
        #expect(!meaning.what.isEmpty && !meaning.remedy(on: RedisConfiguration()).isEmpty)
    }

    @Test func whatEndsWithAConnectionThatIsLeftMeansWhyItIsLeft() {
        let refusal = RedisError(.server("READONLY"), "READONLY You can't write")
        let lost = RedisError(.connectionLost, "the connection is left", cause: refusal)

        #expect(Shortcoming(lost) == .replica)
        #expect(Shortcoming(RedisError(.connectionLost, "gone")) == .silent("gone"))
        let silence = RedisError(.timedOut, "nothing came")
        #expect(Shortcoming(silence) == .mute)
        #expect(Shortcoming(RedisError(.connectionLost, "gone", cause: silence)) == .mute)
    }

    @Test(arguments: ["6.2.14", "6.0", "5.0.3", ""])
    func versionsBeforeSevenAreOld(version: String) {
        #expect(Shortcoming.isOld(version))
        #expect(!Shortcoming.isOld("7.0.0") && !Shortcoming.isOld("7.2.4"))
        #expect(!Shortcoming.isOld("10.1"))
    }

    private static let greetings: [(String, Shortcoming?)] = [
        ("'version', '7.2.4', 'mode', 'standalone', 'role', 'master'", nil),
        ("'version', '6.2.14', 'mode', 'standalone', 'role', 'master'", .old(version: "6.2.14")),
        ("'version', '7.0.0', 'mode', 'cluster', 'role', 'master'", .cluster),
        ("'version', '7.0.0', 'mode', 'sentinel'", .sentinel),
        ("'version', '7.0.0', 'mode', 'standalone', 'role', 'replica'", .replica),
        // A proxy that says little is judged by what it does.
        ("'server', 'proxy'", nil), ("", nil),
    ]

    @Test(arguments: RehearsalTests.greetings.indices)
    func aServerIsKnownByItsGreeting(index: Int) async throws {
        let (greeting, shortcoming) = Self.greetings[index]
        let redis = try await RedisServer.launch()
        let client = redis.client()

        // The same list as HELLO answers, from a server that says what it is told to.
        let reply = try await client.send(
            .eval(RedisScript("return {\(greeting)}"), keys: [], arguments: []))

        let hello = HelloReply(.success(reply))
        #expect(hello.shortcoming == shortcoming)
        #expect(shortcoming?.forbidsStart ?? false == (shortcoming != nil && index < 4))
        await client.shutdown()
        await redis.stop()
    }

    @Test func whatIsAwayMayComeBack() async throws {
        let redis = try await RedisServer.launch()
        await redis.stop()

        let found = try await shortcomings(of: redis, within: .seconds(2))

        #expect(found.count == 1 && found.first?.isLasting == false, "\(found)")
    }
}
