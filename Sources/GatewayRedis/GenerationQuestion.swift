import Gateway
import TroupeRedis

/// What is asked about the epoch and the generations of some tags, and what the answer says.
///
///     INFO │ epoch: SET … NX, GET │ tag: SET … NX PX, GET │ tag …        or GET alone
struct GenerationQuestion {
    private let tags: [CacheTag]
    /// Whether tags without a generation are given one.
    private let begins: Bool
    let commands: [RedisCommand]

    /// - Parameters:
    ///   - lifetime: that of a generation which is begun.
    ///   - epochLifetime: that of the epoch.
    init(
        about tags: [CacheTag], begins: Bool, keys: CacheKeys, lifetime: Duration,
        epochLifetime: Duration
    ) {
        self.tags = tags
        self.begins = begins
        var commands = [
            ServerIdentity.question, Self.begin(keys.epoch, epochLifetime), .get(keys.epoch),
        ]
        for key in tags.map(keys.generation) {
            if begins { commands.append(Self.begin(key, lifetime)) }
            commands.append(.get(key))
        }
        self.commands = commands
    }

    /// Where a generation begins.
    ///
    /// A random number, because one that was evicted must not come back.
    static func freshStart() -> Int { Int.random(in: 1...(1 << 52)) }

    private static func begin(_ key: String, _ lifetime: Duration) -> RedisCommand {
        RedisCommand(
            "SET", [.string(key), .integer(freshStart()), "PX", .milliseconds(lifetime), "NX"])
    }

    /// The generations and how many of them were begun; `nil` if the replies are not an answer.
    func answer(_ replies: [RedisValue]) -> (generations: Generations, begun: Int)? {
        let step = begins ? 2 : 1
        guard replies.count == 3 + step * tags.count,
            let identity = ServerIdentity(replies[0]), let epoch = replies[2].integer
        else { return nil }
        let keeper = identity.runID + "/" + identity.replicationID
        var values: [CacheTag: Generation] = [:]
        var begun = 0
        for (index, tag) in tags.enumerated() {
            let place = 3 + step * index
            if begins, !replies[place].isNull { begun += 1 }
            guard let number = replies[place + step - 1].integer else { continue }
            values[tag] = Generation(number: UInt64(clamping: number), keeper: keeper)
        }
        let start = Generation(number: UInt64(clamping: epoch), keeper: keeper)
        return (Generations(epoch: start, values: values), begun)
    }
}
