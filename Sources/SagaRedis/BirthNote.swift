import EventStreams
import Saga
import Synchronization
import Timekeeping
import TroupeRedis

//     noted ───────────────────────────────────────────▶ as it is noted
//     known once, and gone ─────────────────────────────▶ now: everything before was lost
//     not noted, groups have positions ─────────────────▶ 0: of the versions that noted nothing
//     not noted, its groups stand in others' streams ───▶ now: its own data was lost
//     not noted, nothing of it anywhere ────────────────▶ with the oldest entry that it will read

/// When a participant's data in Redis came to be, and in which layout: `1795750000000 1`.
///
/// What it reads from streams cannot have been dealt with before: so a participant that is new
/// takes part in sagas that began before its first start.
final class BirthNote: Sendable {
    /// The version of the layout that this version reads and writes.
    static let layout = 1

    private static let script = RedisScript(
        """
        local born = redis.call('GET', KEYS[1])
        if born then return born end
        local time = ARGV[1]
        if redis.call('EXISTS', KEYS[2]) == 1 and ARGV[3] == '0' then
          time = '0'
        end
        born = time .. ' ' .. ARGV[2]
        redis.call('SET', KEYS[1], born)
        return born
        """)

    /// The value of the key as a time; nil for what is none, or of a layout to come.
    static func time(_ text: String) throws(SagaError) -> Int64 {
        let parts = text.split(separator: " ")
        guard parts.count == 2, let time = Int64(parts[0]), let layout = Int(parts[1]) else {
            throw SagaError(
                .unavailable, "the key that tells since when there is data holds no time",
                retry: .later)
        }
        guard layout <= Self.layout else {
            throw SagaError(
                .invalidConfiguration,
                "the data in Redis has layout \(layout), and this version knows those up to "
                    + "\(Self.layout): it is of a later version of Troupe")
        }
        return time
    }

    private let redis: RedisClient
    private let service: String
    private let key: String
    private let cursor: String
    private let streams: [String]
    private let wasKnown = Atomic(false)

    /// - Parameter streams: those that the participant consumes.
    init(_ redis: RedisClient, _ names: SagaKeys, service: String, streams: [String] = []) {
        self.redis = redis
        self.service = service
        self.streams = streams
        key = names.born(service)
        cursor = names.cursor(service)
    }

    /// What reads it.
    var question: RedisCommand { .get(key) }

    /// Reads it, and writes it if it is not there.
    func read() async throws(SagaError) -> Int64 {
        let text: String
        if let found = try await redis.read(question).string {
            text = found
        } else {
            text = try await write()
        }
        let time = try Self.time(text)
        wasKnown.store(true, ordering: .relaxed)
        return time
    }

    private func write() async throws(SagaError) -> String {
        let isLost = wasKnown.load(ordering: .relaxed)
        // Asked before the streams are looked at: what comes meanwhile is younger.
        var born = try await now()
        if !isLost, let beginning = try await beginning() {
            born = min(born, beginning) - Self.slack
        }
        do {
            return try await redis.evaluate(
                Self.script, keys: [key, cursor],
                arguments: [
                    .string(String(born)), .integer(Self.layout), .integer(isLost ? 1 : 0),
                ]
            ).requireString()
        } catch {
            throw SagaError(error)
        }
    }

    /// How far the clocks may be behind of those who make the first events of a new system.
    ///
    /// Not granted after a loss: what was made just before has to count as lost.
    private static let slack: Int64 = 1_000

    private func now() async throws(SagaError) -> Int64 {
        let reply = try await redis.read(.time)
        guard let time = try? reply.time() else {
            throw SagaError(.unavailable, "Redis does not tell the time", retry: .later)
        }
        return Int64(time.milliseconds)
    }

    /// When the oldest entry came that the participant will read, or the end of time if there is
    /// none; nil if it has read of some stream before.
    private func beginning() async throws(SagaError) -> Int64? {
        var oldest = Int64.max
        for stream in streams {
            let groups = try await GroupState.all(of: stream, redis: redis)
            if groups.contains(where: { $0.name == service }) { return nil }
            let first = try await redis.look(StreamEnd.firstEntry, at: stream, "-", "+")
            if let id = first.string.flatMap(StreamID.init) {
                oldest = min(oldest, Int64(clamping: id.milliseconds))
            }
        }
        return oldest
    }
}
