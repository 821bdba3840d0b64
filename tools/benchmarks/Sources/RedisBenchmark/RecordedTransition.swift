import InstantShop
import Saga
import SagaRedis
import TroupeRedis
import TroupeRedisTestKit

/// The transition of a payment step as the running service sends it: ledger, record and event.
///
/// Recorded from the server, so that it is what production sends, whatever that comes to be.
struct RecordedTransition: Sendable {
    /// What redis-benchmark replaces by twelve digits, each time by others.
    private static let random = "__rand_int__"
    private static let event = SagaKeys().stream("PaymentProcessed", owner: "payment")
    private static let ledger = SagaKeys().ledger(
        named: "", by: SagaNaming([]), service: "payment")

    let script: RedisScript
    /// With `random` as the end of each ID, so that every run is the first of its saga.
    private let keys: [String]
    private let arguments: [String]

    /// Lets one order run through the four services, and picks its payment.
    static func record(_ server: RedisServer) async throws -> RecordedTransition {
        let shop = try Shop(server: server)
        let recorded = try await MonitorLines.watching(port: server.port) { lines in
            async let order: Void = shop.running {
                try await shop.stock(1)
                try await shop.order()
                try await shop.finished(1)
            }
            let recorded = try await pick(from: &lines)
            try await order
            return recorded
        }
        await shop.redis.shutdown()
        return recorded
    }

    private static func pick(from lines: inout MonitorLines) async throws -> RecordedTransition {
        while let words = try await lines.next() {
            // The first of its kind, and so in full: the server has not seen the script before.
            guard words.first == "EVAL", words.count > 3, let count = Int(words[2]) else {
                continue
            }
            let keys = words[3...].prefix(count)
            guard keys.contains(event),
                let id = keys.first(where: { $0.hasPrefix(ledger) })?.dropFirst(ledger.count)
            else { continue }
            let randomID = id.dropLast(random.count) + random
            return RecordedTransition(
                script: RedisScript(words[1]),
                keys: keys.map { $0.replacing(id, with: randomID) },
                arguments: Array(words[3...].dropFirst(count)))
        }
        throw Unseen()
    }

    /// The services did not send what was to be recorded.
    struct Unseen: Error {}

    // MARK: - Running it again

    /// The words of the command, for a shell.
    var command: String {
        let words = ["evalsha", script.sha1, String(keys.count)] + keys + arguments
        return words.map { "'" + $0.replacing("'", with: #"'\''"#) + "'" }.joined(separator: " ")
    }

    var summary: String {
        let bytes = arguments.reduce(0) { $0 + $1.utf8.count }
        return "evalsha … \(keys.joined(separator: " ")), \(arguments.count) arguments of "
            + "\(bytes) bytes"
    }

    /// Runs it for a saga that has this number.
    func run(_ number: Int, _ redis: RedisClient) async throws {
        let digits = String(number)
        let name = String(repeating: "0", count: Self.random.count - digits.count) + digits
        var keys = RedisArguments(capacity: 256)
        for key in self.keys { keys.append(key.replacing(Self.random, with: name)) }
        var arguments = RedisArguments(capacity: 1280)
        for argument in self.arguments { arguments.append(argument) }
        _ = try await redis.evaluate(script, keys: keys, arguments: arguments)
    }

    /// How often it was applied since the server was emptied.
    static func applied(_ redis: RedisClient) async throws -> Int {
        try await redis.send(.xlen(event)).integer ?? 0
    }
}
