import Gateway
import Synchronization
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import GatewayRedis

/// Two gateways on one Redis, changed and asked all the time by clients who often give up.
@Suite(.redisServer, .timeLimit(.minutes(5)))
struct CacheSoakTests {
    private static let time: Duration = LongTier.isWanted ? .seconds(60) : .seconds(2)
    private static let names = ["1", "2", "3"]

    private let server = RedisServer.current
    private let namespace = freshNamespace(RedisServer.current)
    private let book = OrderBook()

    /// What came of it so far.
    private final class Record: Sendable {
        struct State {
            /// The last change of each order that its gateway acknowledged.
            var acknowledged: [String: Int] = [:]
            var answers: [String: Int] = [:]
            var stale: [String] = []
        }

        let state = Mutex(State())

        func acknowledged(_ id: String) -> Int {
            state.withLock { $0.acknowledged[id, default: 0] }
        }

        func acknowledge(_ id: String, _ version: Int) {
            state.withLock {
                $0.acknowledged[id] = max($0.acknowledged[id, default: 0], version)
            }
        }

        /// Takes what a read brought that began when `known` was acknowledged.
        func take(
            _ result: Result<CacheAnswer, any Error>, of id: String, begunAfter known: Int
        ) {
            state.withLock { state in
                switch result {
                case .success(let answer):
                    let outcome = answer.status.outcome
                    state.answers[outcome, default: 0] += 1
                    guard answer.version < known else { return }
                    state.stale.append("\(id): \(answer.version) after \(known), \(outcome)")
                case .failure(is CancellationError): state.answers["given up", default: 0] += 1
                case .failure(let error): state.stale.append("\(id): \(error)")
                }
            }
        }
    }

    /// Reads one order over and over; a third of the reads is given up on the way.
    private func read(_ node: CacheNode, _ record: Record, until end: ContinuousClock.Instant) async
    {
        while ContinuousClock.now < end, !Task.isCancelled {
            let id = Self.names[Int.random(in: 0..<Self.names.count)]
            let known = record.acknowledged(id)
            let reading = Task { [book] in try await node.order(id, from: book) }
            if Int.random(in: 0..<3) == 0 {
                for _ in 0..<Int.random(in: 0..<12) { await Task.yield() }
                reading.cancel()
            }
            record.take(await reading.result, of: id, begunAfter: known)
            await Task.yield()
        }
    }

    /// Changes orders through a gateway; the client of a third of the changes is gone before the
    /// gateway has acknowledged.
    private func change(
        _ node: CacheNode, _ record: Record, until end: ContinuousClock.Instant
    ) async throws {
        while ContinuousClock.now < end, !Task.isCancelled {
            let id = Self.names[Int.random(in: 0..<Self.names.count)]
            try await book.publish(of: id, on: node.redis, namespace: namespace)
            let version = book.version(id)
            let telling = Task {
                await node.cache.invalidate([CacheTag("order", id)], cause: "\(id) \(version)")
            }
            if Int.random(in: 0..<3) == 0 {
                telling.cancel()
                await telling.value
            } else {
                await telling.value
                record.acknowledge(id, version)
            }
        }
    }

    @Test func noReadBegunAfterAnAcknowledgementIsStaleWhoeverGivesUp() async throws {
        let changed = try CacheNode(server, namespace: namespace)
        let other = try CacheNode(server, namespace: namespace)
        await changed.start()
        await other.start()
        let end = ContinuousClock.now + Self.time
        let record = Record()
        let elsewhere = Record()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await change(changed, record, until: end) }
            for _ in 0..<6 { group.addTask { await read(changed, record, until: end) } }
            for _ in 0..<2 { group.addTask { await read(other, elsewhere, until: end) } }
            try await group.waitForAll()
        }

        let found = record.state.withLock { $0 }
        #expect(found.stale.isEmpty, "\(found.stale.prefix(10))")
        #expect(elsewhere.state.withLock { $0.stale.isEmpty })
        for outcome in ["hit", "miss", "collapsed", "given up"] {
            #expect(found.answers[outcome, default: 0] > 10, "\(found.answers)")
        }
        for id in Self.names {
            await until { [book] in
                let one = try? await changed.order(id, from: book).version
                let two = try? await other.order(id, from: book).version
                return one == book.version(id) && two == book.version(id)
            }
        }
        await changed.stop()
        await other.stop()
    }
}
