import CloudEvents
import Redis
import Saga

/// An event that a participant cannot deal with, kept until a person does.
struct DeadLetter: Sendable {
    /// Why, as a code in snake case.
    enum Reason: String, Sendable {
        /// Not an event, or its payload is not of its type.
        case undecodable
        /// An event of a type that the stream is not for.
        case unknownType = "unknown_type"
        /// A payload of a version to come.
        case futureVersion = "future_version"
        /// Delivered so often without an end that it must be bringing processes down.
        case tooManyDeliveries = "too_many_deliveries"
        /// A compensation or a finish that kept failing.
        case blocked
        /// The ledger contradicts the event, or a record has a type of its own.
        case contradiction
    }

    var event: [UInt8]
    var stream: String
    var id: String
    var reason: Reason
    var error: String
    var attempts: Int
    /// When it was first tried, in milliseconds since 1970.
    var firstTime: Int64

    /// Writes the letter, unless the entry has one already.
    ///
    /// Whoever dies between this and the acknowledgement gets the entry again. Both in one script
    /// would not do: the entry's stream is its emitter's, so it may lie in another slot.
    func write(
        to redis: RedisClient, names: SagaKeys, service: String, timeToLive: Duration
    ) async throws(SagaError) {
        let keys = [names.dead(service), names.letter(of: id, in: stream, service: service)]
        let fields: [RedisArgument] = [
            "event", .bytes(event), "stream", .string(stream), "entry", .string(id),
            "group", .string(service), "reason", .string(reason.rawValue),
            "error", .string(String(error.prefix(1000))), "attempts", .integer(attempts),
            "first", .integer(Int(firstTime)), "last", .integer(Int(SystemTime.milliseconds())),
        ]
        do {
            _ = try await redis.evaluate(
                Self.script, keys: keys, arguments: [.integer(timeToLive.wholeSeconds)] + fields)
        } catch {
            throw SagaError(error)
        }
    }

    /// A letter that a person has taken away is written again when its entry comes back.
    private static let script = RedisScript(
        """
        local known = redis.call('GET', KEYS[2])
        if known and #redis.call('XRANGE', KEYS[1], known, known) > 0 then return known end
        local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
        redis.call('SET', KEYS[2], id, 'EX', ARGV[1])
        return id
        """)
}
