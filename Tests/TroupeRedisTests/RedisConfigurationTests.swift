import Testing
import TroupeRedis

@Suite(.timeLimit(.minutes(3)))
struct RedisConfigurationTests {
    @Test func readsAPlainAddress() throws {
        let configuration = try RedisConfiguration(url: "redis://redis.example:7000/3")
        #expect(configuration.address == .tcp(host: "redis.example", port: 7000))
        #expect(configuration.database == 3)
        #expect(configuration.tls == nil)
        #expect(configuration.password == nil)
    }

    @Test func fillsInWhatIsMissing() throws {
        #expect(
            try RedisConfiguration(url: "redis://").address == .tcp(host: "127.0.0.1", port: 6379))
        #expect(try RedisConfiguration(url: "redis://h").address == .tcp(host: "h", port: 6379))
        #expect(
            try RedisConfiguration(url: "redis://[::1]").address == .tcp(host: "::1", port: 6379))
        #expect(
            try RedisConfiguration(url: "redis://[::1]:1").address == .tcp(host: "::1", port: 1))
    }

    @Test func readsCredentials() throws {
        let both = try RedisConfiguration(url: "rediss://al%40ice:p%3A%2Fs@h")
        #expect(both.username == "al@ice")
        #expect(both.password == "p:/s")
        #expect(both.tls != nil)
        let alone = try RedisConfiguration(url: "redis://:secret@h")
        #expect(alone.username == nil)
        #expect(alone.password == "secret")
    }

    @Test func readsASocket() throws {
        let configuration = try RedisConfiguration(url: "unix:///run/redis.sock?db=2")
        #expect(configuration.address == .unix(path: "/run/redis.sock"))
        #expect(configuration.database == 2)
    }

    @Test(arguments: [
        "", "localhost:6379", "http://h", "redis://h:x", "redis://h:0", "redis://h:70000",
        "redis://h/x", "redis://h/-1", "redis://h?x=1", "redis://[::1", "redis://[::1]x",
        "redis://%zz:a@h", "unix://", "redis://u:%ff@h", "redis://a:%+1@h",
    ])
    func refusesWhatIsWrong(_ url: String) {
        let error = #expect(throws: RedisError.self) { try RedisConfiguration(url: url) }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test func keepsPasswordsOutOfErrors() {
        let error = #expect(throws: RedisError.self) {
            try RedisConfiguration(url: "redis://user:hunter2@host:port")
        }
        #expect(error.map { "\($0) \($0.debugDescription)".contains("hunter2") } == false)
    }
}
