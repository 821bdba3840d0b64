import Testing
import TroupeRedis

@testable import troupe

@Suite(.timeLimit(.minutes(3)))
struct DiagnosisTests {
    private static let healthy: RedisFacts = {
        var facts = RedisFacts()
        facts.version = "7.0.15"
        facts.isAppendOnly = true
        facts.appendFsync = "everysec"
        facts.evictionPolicy = "noeviction"
        return facts
    }()

    private func worst(_ change: (inout RedisFacts) -> Void) -> Diagnosis.Finding? {
        var facts = Self.healthy
        change(&facts)
        return Diagnosis.findings(facts, at: RedisConfiguration()).first { $0.level != .fine }
    }

    @Test func healthyRedisHasNoFaults() {
        #expect(worst { _ in } == nil)
    }

    @Test(arguments: ["6.2.14", "6.0.16", "5.0.3", "3.2", ""])
    func oldRedisIsAProblem(version: String) {
        #expect(worst { $0.version = version }?.level == .problem)
    }

    @Test(arguments: ["7.0.0", "7.2.4", "8.0.1"])
    func newerRedisIsFine(version: String) {
        #expect(worst { $0.version = version } == nil)
    }

    @Test func withoutInfoNothingIsSaidOfWhatIsNotKnown() {
        let finding = worst {
            $0.mayReadInfo = false
            $0.isAppendOnly = false
        }
        #expect(finding == nil)
    }

    @Test func whatARehearsalFoundIsAProblemWithItsRemedy() {
        let findings = Diagnosis.findings(
            [.takesNoWrites("OOM"), .replica, .old(version: "6")], at: RedisConfiguration())

        #expect(findings.map(\.subject) == ["work"], "the facts tell of the others")
        #expect(findings.allSatisfy { $0.level == .problem && $0.remedy != nil })
        #expect(Diagnosis.findings([], at: RedisConfiguration()).map(\.level) == [.fine])
    }

    @Test func aClockThatMayNotBeReadIsNotJudged() {
        let finding = worst { $0.clockDifference = nil }

        #expect(finding?.subject == "clock" && finding?.level == .advice)
        #expect(finding?.what == "not compared: the user may not run TIME")
    }

    @Test func remediesNameTheRedisThatIsMeant() throws {
        var redis = RedisConfiguration()
        redis.address = .tcp(host: "db.example", port: 6390)
        var facts = Self.healthy
        facts.isAppendOnly = false
        facts.evictionPolicy = "allkeys-lru"
        let found =
            Diagnosis.findings(facts, at: redis)
            + Diagnosis.cacheFindings([.takesNoWrites("OOM x")], at: redis)

        let remedies = found.compactMap(\.remedy)
        #expect(remedies.count == 3)
        #expect(remedies.allSatisfy { $0.hasPrefix("redis-cli -h db.example -p 6390 CONFIG ") })
    }

    @Test func lossOfDataIsAProblem() {
        #expect(worst { $0.isAppendOnly = false }?.subject == "persistence")
        #expect(worst { $0.appendFsync = "no" }?.level == .advice)
    }

    @Test func fullDiskIsAProblem() {
        let info = "aof_enabled:1\r\naof_last_write_status:err\r\nrdb_last_bgsave_status:ok\r\n"
        let finding = worst { $0.take(info: info + "redis_version:7.0.15\r\n") }
        #expect(finding?.subject == "persistence" && finding?.level == .problem)
        #expect(finding?.what.contains("cannot write") == true)
    }

    @Test func memoryThatRunsOutIsTold() {
        func finding(_ share: Int) -> Diagnosis.Finding? {
            worst {
                $0.maximumMemory = 1_000_000
                $0.usedMemory = share * 10_000
            }
        }

        #expect(finding(79) == nil)
        #expect(finding(80)?.level == .advice && finding(99)?.level == .advice)
        #expect(finding(100)?.level == .problem && finding(100)?.subject == "memory")
    }

    @Test(arguments: [
        (1 << 30, 900 << 20, "2gb", "(1gb)"), (1, 1_500_000, "3mb", "(1)"),
        (100 << 20, 120 << 20, "240mb", "(100mb)"), (1_000_000, 900_000, "2mb", "(1000000)"),
    ])
    func theRemedyOfFullMemoryIsACommandWithItsValue(
        limit: Int, used: Int, enough: String, now: String
    ) {
        let finding = worst {
            $0.maximumMemory = limit
            $0.usedMemory = used
        }

        #expect(finding?.remedy?.hasSuffix("CONFIG SET maxmemory \(enough)") == true)
        #expect(finding?.what.contains(now) == true)
    }

    @Test func anAmountThatCannotBeDoubledStays() {
        #expect(MemorySize.twice(Int.max) == Int.max)
        #expect(MemorySize.text(0) == "0" && MemorySize.text(3 << 10) == "3kb")
    }

    @Test func evictionOfOrdersIsAProblem() {
        let evicting = worst {
            $0.evictionPolicy = "allkeys-lru"
            $0.maximumMemory = 1_000_000
        }
        #expect(evicting?.level == .problem)
        #expect(worst { $0.evictionPolicy = "volatile-lfu" }?.level == .advice)
    }

    @Test(arguments: [Duration.seconds(2), .seconds(-2)])
    func clocksFarApartAreAProblem(difference: Duration) {
        #expect(worst { $0.clockDifference = difference }?.subject == "clock")
        #expect(worst { $0.clockDifference = difference / 10 } == nil)
    }

    @Test func portsAreToldInOneLineUnlessSomeAreTaken() {
        let addresses = Addresses(gateway: 4_000)

        let free = Diagnosis.ports(addresses, taken: [])
        let running = Diagnosis.ports(addresses, taken: addresses.all())
        let mixed = Diagnosis.ports(addresses, taken: [("users", 4_001), ("admin", 4_100)])

        #expect(free.map(\.what) == ["4000–4007 and 4100 are free"])
        #expect(running.map(\.level) == [.fine])
        #expect(running.allSatisfy { $0.what.contains("in use") })
        #expect(mixed.map(\.level) == [.advice, .advice])
        #expect(mixed[0].what == "4001, for users, is in use")
        #expect(mixed[0].remedy == "troupe up --port 5000, unless it is ours")
    }

    @Test func everyFaultHasARemedy() {
        var facts = RedisFacts()
        facts.version = "5"
        facts.isReplica = true
        facts.evictionPolicy = "allkeys-random"
        facts.clockDifference = .seconds(9)

        let faults = Diagnosis.findings(facts, at: RedisConfiguration()).filter {
            $0.level != .fine
        }

        #expect(faults.count == 5)
        #expect(faults.allSatisfy { $0.remedy != nil })
    }
}
