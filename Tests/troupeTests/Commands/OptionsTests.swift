import ArgumentParser
import Observability
import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(3)))
struct OptionsTests {
    @Test func addressIsShownWithoutPassword() throws {
        let address = try RedisAddress(url: "redis://me:secret@example.org:7000/2", source: "")

        #expect(address.shown == "redis://example.org:7000")
    }

    @Test(arguments: [
        ("redis://127.0.0.1:6379", 6379), ("redis://localhost:7001", 7001),
        ("redis://example.org:6379", nil), ("rediss://127.0.0.1:6379", nil),
        ("redis://:secret@127.0.0.1:6379", nil), ("unix:///tmp/redis.sock", nil),
    ])
    func onlyAPlainLocalAddressMayGetAServerOfOurOwn(url: String, port: Int?) throws {
        #expect(try RedisAddress(url: url, source: "--redis").portForOwnServer == port)
    }

    @Test func badAddressIsAUsageErrorThatDoesNotShowThePassword() throws {
        let failure = try #require(throws: CommandFailure.self) {
            try RedisAddress(url: "http://me:secret@example.org", source: "--redis")
        }

        #expect(failure.code == .usage)
        #expect(!"\(failure)".contains("secret"))
    }

    @Test(arguments: ["a b", "a*", "a{b}", "a:b", "ä", String(repeating: "x", count: 65)])
    func namespaceHoldsNothingThatMeansSomethingInAPattern(name: String) throws {
        let options = try RedisOptions.parse(["--namespace", name])

        #expect(throws: CommandFailure.self) {
            try options.namespace(in: EnvironmentOptions(variables: [:]))
        }
    }

    @Test(arguments: [
        ("redis://127.0.0.1:6379", "redis-cli", "redis-cli"),
        (
            "redis://:secret@localhost:1/2", "redis-cli -h localhost -p 1 -n 2",
            "redis-cli -h localhost -p 1 -n 2 --askpass"
        ),
        (
            "rediss://ann:secret@redis.example", "redis-cli -h redis.example -p 6379 --tls",
            "redis-cli -h redis.example -p 6379 --tls --user ann --askpass"
        ),
        ("redis://[::1]:7000", "redis-cli -h ::1 -p 7000", nil),
        ("unix:///tmp/my redis.sock?db=3", "redis-cli -s '/tmp/my redis.sock' -n 3", nil),
        ("unix:///tmp/a'b;c", #"redis-cli -s '/tmp/a'\''b;c'"#, nil),
    ])
    func redisToolIsToldWhereWithoutAPassword(
        url: String, administration: String, watching: String?
    ) throws {
        let tool = RedisTool(
            configuration: try RedisAddress(url: url, source: "test").configuration)

        #expect(tool.administration == administration)
        #expect(tool.watching == watching ?? administration)
    }

    @Test func childrenGetTheSettingsInTheirEnvironment() throws {
        let environment = EnvironmentOptions(variables: ["TROUPE_DATA": "/data"])
        let redis = try RedisOptions.parse(
            ["--redis", "redis://:secret@localhost:1", "--namespace", "n"])
        let settings = try SystemSettings(
            redis: redis, services: .parse(["--order-deadline", "7"]), logs: .parse([]),
            in: environment)
        let child = EnvironmentOptions(variables: settings.variables)

        let again = try SystemSettings(
            redis: .parse([]), services: .parse([]), logs: .parse([]), in: child)

        #expect(again.redis.url == "redis://:secret@localhost:1")
        #expect(again.namespace == "n")
        #expect(again.orderDeadline == .seconds(7))
        #expect(again.dataFolder == "/data")
        #expect(again.logs.level == settings.logs.level)
    }

    @Test func orchestrationIsRefusedUntilItExists() throws {
        let options = try ServiceOptions.parse(["--coordination", "orchestration"])

        let failure = try #require(throws: CommandFailure.self) {
            try SystemSettings(
                redis: .parse([]), services: options, logs: .parse([]),
                in: EnvironmentOptions(variables: [:]))
        }

        #expect(failure.code == .usage)
        #expect(
            failure.message
                == "--coordination is “orchestration”, but the coordinations of this version are: "
                + "choreography")
        #expect(failure.remedy == "--coordination choreography")
    }
}
