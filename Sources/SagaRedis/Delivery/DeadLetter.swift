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

    func command(key: String, group: String) -> RedisCommand {
        .xadd(
            key,
            [
                "event": .bytes(event), "stream": .string(stream), "entry": .string(id),
                "group": .string(group), "reason": .string(reason.rawValue),
                "error": .string(String(error.prefix(1000))), "attempts": .integer(attempts),
                "first": .integer(Int(firstTime)),
                "last": .integer(Int(SystemTime.milliseconds())),
            ])
    }
}
