import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import Gateway

private let obeying = CachePolicy(lifetime: .seconds(60), jitter: 0, obeysClient: true)
private let key = cacheKey("/orders/1")

/// What clients ask of the cache, on routes that obey them.
@Suite(.timeLimit(.minutes(1)))
struct ClientWishesTests {
    /// A cache whose first fill waits at a gate while others ask.
    private static func ask(
        _ wish: CacheRequest, first: CacheRequest = .plain, count: Int
    ) async throws -> (fills: Int, texts: [String], cache: ResponseCache) {
        let cache = ResponseCache()
        let gate = Gate()
        let texts = try await withThrowingTaskGroup(of: String.self) { group in
            let fill: @Sendable (FillScope) async throws -> FetchedResponse = { _ in
                await gate.pass()
                return fetched("\(gate.arrived)")
            }
            group.addTask {
                try await cache.response(for: key, policy: obeying, request: first, fill: fill).text
            }
            await gate.arrivals(1)
            for _ in 0..<count {
                group.addTask {
                    try await cache.response(
                        for: key, policy: obeying, request: wish, fill: fill
                    ).text
                }
            }
            await cache.waiters(count + 1)
            gate.open()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        return (gate.arrived, texts, cache)
    }

    @Test(arguments: ["no-cache", "max-age=0, no-cache"])
    func aCrowdThatWantsFreshAnswersSharesAFlightThatBeganAfterIt(_ wish: String) async throws {
        let asked = try await Self.ask(CacheRequest(cacheControl: wish), count: 500)

        // Those who were told late lead a flight more; never one each.
        #expect((2...10).contains(asked.fills))
        #expect(asked.texts.filter { $0 == "1" }.count <= 1, "the first went to who asked before")
    }

    @Test func aFreshAnswerIsNotTheOneThatIsKept() async throws {
        let cache = ResponseCache()
        let fills = Mutex(0)
        for wish in [nil, "no-cache", "max-age=0", "min-fresh=100"] {
            let request = CacheRequest(cacheControl: wish)
            let answer = try await cache.response(for: key, policy: obeying, request: request) {
                _ in fetched("\(fills.withLock { $0 += 1; return $0 })")
            }
            // Just made, it is young enough for `max-age=0`.
            #expect(answer.status.forwarded != nil || wish == "max-age=0")
        }
        #expect(fills.withLock { $0 } >= 3)
    }

    @Test func whatMustNotBeStoredIsSharedAndNotKept() async throws {
        let secret = CacheRequest(cacheControl: "no-store")
        let asked = try await Self.ask(secret, first: secret, count: 100)

        #expect(asked.fills == 1)
        #expect(Set(asked.texts) == ["1"])
        #expect(asked.cache.size.entries == 0)
    }
}
