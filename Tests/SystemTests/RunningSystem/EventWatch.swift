import CloudEvents
import NIOCore
import Synchronization
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// Hears what `redis-cli PSUBSCRIBE 'saga.*'` would print.
final class EventWatch: Sendable {
    struct Heard: Sendable {
        var channel: String
        var text: String
        var event: CloudEvent?
    }

    private let client: RedisClient
    private let listening: Task<Void, Never>

    /// Returns when the subscription is in place.
    static func begin(on system: RunningSystem) async throws -> EventWatch {
        let watch = EventWatch(client: system.redis.client())
        try await eventually("the subscription is in place") {
            let counts = try? await watch.client.send(
                RedisCommand("PUBSUB", ["NUMPAT"], isReadOnly: true)
            ).requireInteger()
            return (counts ?? 0) > 0
        }
        return watch
    }

    private init(client: RedisClient) {
        self.client = client
        let subscription = client.subscribe(channels: [], patterns: ["saga.*"])
        let heard = Inbox()
        inbox = heard
        listening = Task {
            for await case .message(let message) in subscription {
                let text = String(buffer: message.payload)
                heard.add(
                    Heard(
                        channel: message.channel, text: text,
                        event: try? CloudEvent(json: Array(text.utf8))))
            }
        }
    }

    private final class Inbox: Sendable {
        private let heard = Mutex<[Heard]>([])
        func add(_ one: Heard) { heard.withLock { $0.append(one) } }
        var all: [Heard] { heard.withLock { $0 } }
    }

    private let inbox: Inbox

    /// What was published about a saga, in the order of its publication.
    func heard(of saga: String) -> [Heard] {
        inbox.all.filter { $0.event?.correlationID == saga }
    }

    func types(of saga: String) -> [String] { heard(of: saga).compactMap { $0.event?.type } }

    func end() async {
        listening.cancel()
        await client.shutdown()
    }
}
