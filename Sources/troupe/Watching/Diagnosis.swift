import Timekeeping
import TroupeRedis

/// What `doctor` thinks of a Redis and this machine: facts in, findings out.
struct Diagnosis {
    struct Finding: Equatable {
        enum Level { case fine, advice, problem }

        var level: Level
        var subject: String
        var what: String
        var remedy: String?
    }

    private static let clockDifferenceMaximum = Duration.milliseconds(500)

    static func findings(_ facts: RedisFacts, at redis: RedisConfiguration) -> [Finding] {
        let tool = RedisTool(configuration: redis).administration
        // Without INFO nothing is known of these; that it is missing is a finding of its own.
        let inner =
            facts.mayReadInfo
            ? [persistence(facts, tool), memory(facts, tool), eviction(facts, tool)] : []
        return ([version(facts, at: redis)] + inner + [clock(facts), role(facts)]).compactMap { $0 }
    }

    /// The same on the Redis of the cache, of which nothing else is told.
    static func cacheFindings(
        _ shortcomings: [Shortcoming], at redis: RedisConfiguration
    ) -> [Finding] {
        if shortcomings.isEmpty {
            return [
                Finding(
                    level: .fine, subject: "cache work",
                    what: "all that a gateway's cache does goes")
            ]
        }
        return shortcomings.map {
            Finding(
                level: .problem, subject: "cache \($0.subject)", what: $0.what,
                remedy: $0.remedy(on: redis))
        }
    }

    /// What a rehearsal of the work found.
    static func findings(
        _ shortcomings: [Shortcoming], at redis: RedisConfiguration
    ) -> [Finding] {
        if shortcomings.isEmpty {
            return [
                Finding(
                    level: .fine, subject: "work",
                    what: "scripts, groups, channels: all that services and gateway do goes")
            ]
        }
        // The facts have told of these already.
        return shortcomings.filter { !["version", "role"].contains($0.subject) || $0 == .cluster }
            .map {
                Finding(
                    level: .problem, subject: $0.subject, what: $0.what,
                    remedy: $0.remedy(on: redis))
            }
    }

    private static func version(_ facts: RedisFacts, at redis: RedisConfiguration) -> Finding {
        if Shortcoming.isOld(facts.version) {
            let fault = Shortcoming.old(version: facts.version)
            return Finding(
                level: .problem, subject: "version", what: fault.what,
                remedy: fault.remedy(on: redis))
        }
        return Finding(level: .fine, subject: "version", what: "Redis \(facts.version)")
    }

    private static func persistence(_ facts: RedisFacts, _ tool: String) -> Finding {
        guard facts.canSave else {
            return Finding(
                level: .problem, subject: "persistence",
                what: "Redis cannot write to its disk, and refuses writes until it can",
                remedy: "make room there; its log has the reason")
        }
        guard facts.isAppendOnly else {
            let snapshots =
                facts.snapshots.isEmpty ? "nothing is saved" : "only snapshots are saved"
            return Finding(
                level: .problem, subject: "persistence",
                what: "\(snapshots): a crash of Redis loses events that were acknowledged",
                remedy: "\(tool) CONFIG SET appendonly yes, and appendonly yes in its redis.conf")
        }
        if facts.appendFsync == "no" {
            return Finding(
                level: .advice, subject: "persistence",
                what: "append-only file, written when the system pleases",
                remedy: "\(tool) CONFIG SET appendfsync everysec")
        }
        let fsync = facts.appendFsync.isEmpty ? "" : ", fsync \(facts.appendFsync)"
        return Finding(
            level: .fine, subject: "persistence", what: "append-only file\(fsync)")
    }

    /// Nothing to tell where no limit is set.
    private static func memory(_ facts: RedisFacts, _ tool: String) -> Finding? {
        guard facts.maximumMemory > 0 else { return nil }
        let share = facts.usedMemory * 100 / facts.maximumMemory
        let what = "\(share) % of maxmemory (\(MemorySize.text(facts.maximumMemory))) are used"
        let enough = MemorySize.twice(max(facts.usedMemory, facts.maximumMemory))
        guard share >= 80 else { return Finding(level: .fine, subject: "memory", what: what) }
        return Finding(
            level: share >= 100 ? .problem : .advice, subject: "memory",
            what: share >= 100 ? what + ": writes are refused" : what,
            remedy: "\(tool) CONFIG SET maxmemory \(MemorySize.text(enough))")
    }

    private static func eviction(_ facts: RedisFacts, _ tool: String) -> Finding {
        switch facts.evictionPolicy {
        case "noeviction", "":
            return Finding(level: .fine, subject: "eviction", what: "noeviction")
        case let policy where policy.hasPrefix("volatile"):
            return Finding(
                level: .advice, subject: "eviction",
                what: "\(policy) may evict ledgers, which have a time to live",
                remedy: "\(tool) CONFIG SET maxmemory-policy noeviction, the cache elsewhere "
                    + "(--cache-redis)")
        case let policy:
            return Finding(
                level: facts.maximumMemory == 0 ? .advice : .problem, subject: "eviction",
                what: "\(policy) evicts orders and events when memory is full",
                remedy: "\(tool) CONFIG SET maxmemory-policy noeviction")
        }
    }

    private static func clock(_ facts: RedisFacts) -> Finding {
        guard let difference = facts.clockDifference else {
            return Finding(
                level: .advice, subject: "clock",
                what: "not compared: the user may not run TIME", remedy: nil)
        }
        let limit = clockDifferenceMaximum
        let isFar = difference > limit || difference < .zero - limit
        let direction = difference < .zero ? "behind" : "ahead"
        let distance = abs(difference.milliseconds)
        return Finding(
            level: isFar ? .problem : .fine, subject: "clock",
            what: distance == 0
                ? "Redis tells the same time" : "Redis is \(distance) ms \(direction)",
            remedy: isFar ? "run an NTP client on both machines" : nil)
    }

    private static func role(_ facts: RedisFacts) -> Finding? {
        guard facts.isReplica else { return nil }
        return Finding(
            level: .problem, subject: "role", what: "a read-only replica",
            remedy: "name the primary with --redis")
    }

    /// The ports that `up` would listen on, those that are taken one by one.
    static func ports(
        _ addresses: Addresses, taken: [(name: String, port: Int)]
    ) -> [Finding] {
        let all = addresses.all()
        let shown = "\(addresses.gateway)–\(all[all.count - 2].port) and \(addresses.admin)"
        if taken.isEmpty {
            return [Finding(level: .fine, subject: "ports", what: "\(shown) are free")]
        }
        if taken.count == all.count {
            return [
                Finding(
                    level: .fine, subject: "ports",
                    what: "\(shown) are in use, by a troupe up as it seems")
            ]
        }
        let other =
            addresses.gateway + 1_000 <= Addresses.firstPortHighest
            ? addresses.gateway + 1_000 : Addresses.firstPort
        return taken.map { name, port in
            Finding(
                level: .advice, subject: "ports", what: "\(port), for \(name), is in use",
                remedy: "troupe up --port \(other), unless it is ours")
        }
    }

    /// The version of the library that reads replies.
    static func hiredis(_ version: String) -> Finding {
        Finding(level: .fine, subject: "hiredis", what: version)
    }
}
