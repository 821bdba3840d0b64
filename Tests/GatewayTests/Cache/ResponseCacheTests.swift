import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import Gateway

/// Lets a test decide when a fill goes on, and see how many have come.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var arrived = 0
        var held: [CheckedContinuation<Void, Never>] = []
        var watchers: [(Int, CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var arrived: Int { state.withLock { $0.arrived } }

    /// Called by a fill: counts it and waits until the gate is open.
    func pass() async {
        await withCheckedContinuation { continuation in
            let calls = state.withLock { state -> [CheckedContinuation<Void, Never>] in
                state.arrived += 1
                var calls = state.watchers.filter { $0.0 <= state.arrived }.map(\.1)
                state.watchers.removeAll { $0.0 <= state.arrived }
                if state.isOpen {
                    calls.append(continuation)
                } else {
                    state.held.append(continuation)
                }
                return calls
            }
            for call in calls { call.resume() }
        }
    }

    /// Waits until so many fills have come.
    func arrivals(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.arrived >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    func open() {
        let held = state.withLock { state in
            state.isOpen = true
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }
}

func fetched(_ body: String, _ fields: HTTPHeaders = [:], status: Int = 200) -> FetchedResponse {
    FetchedResponse(status: status, fields: fields, body: ByteBuffer(string: body))
}

extension CacheAnswer {
    var text: String { String(buffer: response.body) }
}

extension ResponseCache {
    /// Waits until so many requests wait for flights.
    func waiters(_ count: Int) async {
        while state.withLock({ $0.waiterCount }) < count, !Task.isCancelled { await Task.yield() }
    }
}

private let policy = CachePolicy(lifetime: .seconds(60), jitter: 0)
private let obeying = CachePolicy(lifetime: .seconds(60), jitter: 0, obeysClient: true)
private let key = cacheKey("/orders/1")
private let tag = CacheTag("order", "1")

@Suite(.timeLimit(.minutes(3)))
struct ResponseCacheTests {
    @Test func missIsFilledAndThenHit() async throws {
        let cache = ResponseCache()
        let first = try await cache.response(for: key, policy: policy) { _ in fetched("one") }
        let second = try await cache.response(for: key, policy: policy) { _ in fetched("two") }

        #expect(first.text == "one")
        #expect(first.status == CacheStatus(forwarded: .uriMiss, isStored: true))
        #expect(second.text == "one")
        #expect(second.status == .hit)
        #expect(cache.lookUp(key, at: .now())?.status == 200)
    }

    @Test func thousandMissesMakeOneFill() async throws {
        let cache = ResponseCache()
        let gate = Gate()
        try await withThrowingTaskGroup(of: CacheAnswer.self) { group in
            for _ in 0..<1_000 {
                group.addTask {
                    try await cache.response(for: key, policy: policy) { _ in
                        await gate.pass()
                        return fetched("shared")
                    }
                }
            }
            await cache.waiters(1_000)
            gate.open()
            var collapsed = 0
            for try await answer in group {
                #expect(answer.text == "shared")
                if answer.status.isCollapsed { collapsed += 1 }
            }
            #expect(collapsed == 999)
        }
        #expect(gate.arrived == 1)
    }

    @Test func cancelledLeaderLeavesTheFillToTheOthers() async throws {
        let cache = ResponseCache()
        let gate = Gate()
        let leader = Task {
            try await cache.response(for: key, policy: policy) { _ in
                await gate.pass()
                return fetched("kept")
            }
        }
        await gate.arrivals(1)
        let other = Task {
            try await cache.response(for: key, policy: policy) { _ in fetched("own") }
        }
        await cache.waiters(2)
        leader.cancel()
        await #expect(throws: CancellationError.self) { try await leader.value }
        gate.open()

        #expect(try await other.value.text == "kept")
        #expect(cache.lookUp(key, at: .now()) != nil)
    }

    @Test func fillsErrorReachesAllWhoWaitAndIsNotKept() async throws {
        struct Failure: Error {}
        let cache = ResponseCache()
        let gate = Gate()
        let requests = (0..<3).map { _ in
            Task {
                try await cache.response(for: key, policy: policy) { _ in
                    await gate.pass()
                    throw Failure()
                }
            }
        }
        await cache.waiters(3)
        gate.open()

        for request in requests {
            await #expect(throws: Failure.self) { try await request.value }
        }
        #expect(gate.arrived == 1)
        #expect(
            try await cache.response(for: key, policy: policy) { _ in fetched("x") }.text == "x")
    }

    @Test func privateAnswersGoToTheirOwnRequestOnly() async throws {
        let cache = ResponseCache()
        let gate = Gate()
        let requests = (0..<20).map { number in
            Task {
                try await cache.response(for: key, policy: policy) { _ in
                    await gate.pass()
                    return fetched("user \(number)", ["Set-Cookie": "id=\(number)"])
                }
            }
        }
        await cache.waiters(20)
        gate.open()

        for (number, request) in requests.enumerated() {
            #expect(try await request.value.text == "user \(number)")
        }
        #expect(cache.lookUp(key, at: .now()) == nil)
        #expect(cache.size.entries == 0)
    }

    @Test func keyOfPrivateAnswersIsNotQueuedFor() async throws {
        let cache = ResponseCache()
        _ = try await cache.response(for: key, policy: policy) { _ in
            fetched("first", ["Cache-Control": "private"])
        }
        let gate = Gate()
        let requests = (0..<5).map { _ in
            Task {
                try await cache.response(for: key, policy: policy) { _ in
                    await gate.pass()
                    return fetched("own", ["Cache-Control": "private"])
                }
            }
        }
        await gate.arrivals(5)
        gate.open()

        for request in requests { _ = try await request.value }
    }

    @Test func changeDuringAFillKeepsItsAnswerOut() async throws {
        let cache = ResponseCache()
        let gate = Gate()
        let early = Task {
            try await cache.response(for: key, policy: policy) { scope in
                await scope.watch([tag])
                await gate.pass()
                return fetched("old")
            }
        }
        await gate.arrivals(1)
        await cache.invalidate([tag], cause: "write")
        let late = try await cache.response(for: key, policy: policy) { scope in
            await scope.watch([tag])
            return fetched("new")
        }
        gate.open()

        #expect(try await early.value.text == "old")
        #expect(
            try await early.value.status == .forwarded(.uriMiss, detail: "overtaken"),
            "stored is said of what later requests can get")
        #expect(late.text == "new")
        #expect(cache.lookUp(key, at: .now())?.body == ByteBuffer(string: "new"))
    }

    @Test func changeBeforeAPartIsWatchedDoesNotMatter() async throws {
        let cache = ResponseCache()
        let gate = Gate()
        let other = CacheTag("user", "1")
        let request = Task {
            try await cache.response(for: key, policy: policy) { scope in
                await scope.watch([tag])
                await gate.pass()
                await scope.watch([other])
                return fetched("kept")
            }
        }
        await gate.arrivals(1)
        await cache.invalidate([other], cause: "write")
        gate.open()

        #expect(try await request.value.status.isStored)
        #expect(cache.lookUp(key, at: .now()) != nil)
    }

    @Test func invalidationTakesWhatItsTagNames() async throws {
        let cache = ResponseCache()
        for number in 1...3 {
            _ = try await cache.response(for: cacheKey("\(number)"), policy: policy) { scope in
                await scope.watch([CacheTag("order", "\(number % 2)")])
                return fetched("x")
            }
        }
        await cache.invalidate([CacheTag("order", "1")], cause: "write")

        #expect(cache.lookUp(cacheKey("1"), at: .now()) == nil)
        #expect(cache.lookUp(cacheKey("2"), at: .now()) != nil)
        #expect(cache.lookUp(cacheKey("3"), at: .now()) == nil)
    }

    @Test func nothingIsKeptOrGivenWhileSuspended() async throws {
        let cache = ResponseCache()
        _ = try await cache.response(for: key, policy: policy) { _ in fetched("one") }
        cache.suspend()
        let while1 = try await cache.response(for: key, policy: policy) { _ in fetched("two") }

        #expect(cache.lookUp(key, at: .now()) == nil)
        #expect(while1.text == "two")
        #expect(while1.status.detail == "suspended")
        cache.resume()
        #expect(cache.lookUp(key, at: .now()) == nil)
        _ = try await cache.response(for: key, policy: policy) { _ in fetched("three") }
        #expect(cache.lookUp(key, at: .now()) != nil)
    }

    @Test func nothingIsGivenLaterThanTheLastSignAllows() async throws {
        let cache = ResponseCache()
        let now = Moment.now()
        cache.suspend()
        cache.resume(until: now + .seconds(1))
        _ = try await cache.response(for: key, policy: policy) { _ in fetched("one") }

        #expect(cache.lookUp(key, at: now) != nil)
        #expect(cache.lookUp(key, at: now + .seconds(1)) == nil)
        cache.trust(until: now + .seconds(2))
        #expect(cache.lookUp(key, at: now + .seconds(1)) != nil)
        cache.trust(until: now)
        #expect(cache.lookUp(key, at: now + .seconds(1)) != nil)
        cache.suspend()
        cache.trust(until: now + .seconds(9))
        #expect(cache.lookUp(key, at: now) == nil)
    }

    @Test func flightIsNotJoinedForLongWhileChangesMayBeMissed() async throws {
        var configuration = CacheConfiguration()
        configuration.startsSuspended = true
        configuration.blindFlightAge = .zero
        let cache = ResponseCache(configuration: configuration)
        let gate = Gate()
        let first = Task {
            try await cache.response(for: key, policy: policy) { _ in
                await gate.pass()
                return fetched("before")
            }
        }
        await gate.arrivals(1)
        let second = try await cache.response(for: key, policy: policy) { _ in fetched("after") }
        gate.open()

        #expect(second.text == "after")
        #expect(try await first.value.text == "before")
    }

    @Test func fillThatSawASuspensionIsNotKept() async throws {
        let cache = ResponseCache()
        let gate = Gate()
        let request = Task {
            try await cache.response(for: key, policy: policy) { _ in
                await gate.pass()
                return fetched("blind")
            }
        }
        await gate.arrivals(1)
        cache.suspend()
        cache.resume()
        gate.open()

        #expect(try await request.value.text == "blind")
        #expect(cache.lookUp(key, at: .now()) == nil)
    }

    @Test func flightOfASuspensionIsNotJoinedAfterIt() async throws {
        let cache = ResponseCache()
        cache.suspend()
        let gate = Gate()
        let request = Task {
            try await cache.response(for: key, policy: policy) { _ in
                await gate.pass()
                return fetched("blind")
            }
        }
        await gate.arrivals(1)
        cache.resume()
        let later = try await cache.response(for: key, policy: policy) { _ in fetched("seeing") }
        gate.open()

        #expect(later.text == "seeing")
        _ = try await request.value
    }

    @Test func tooManyWaitersAreTurnedAway() async throws {
        var configuration = CacheConfiguration()
        configuration.waiterLimit = 2
        let cache = ResponseCache(configuration: configuration)
        let gate = Gate()
        let requests = (0..<2).map { _ in
            Task {
                try await cache.response(for: key, policy: policy) { _ in
                    await gate.pass()
                    return fetched("x")
                }
            }
        }
        await cache.waiters(2)
        await #expect(throws: CacheOverload.self) {
            try await cache.response(for: key, policy: policy) { _ in fetched("x") }
        }
        gate.open()
        for request in requests { _ = try await request.value }
    }

    @Test func flightThatHangsIsNotJoinedForEver() async throws {
        let now = Mutex(Moment(nanoseconds: 0))
        var configuration = CacheConfiguration()
        configuration.clock = { now.withLock { $0 } }
        let cache = ResponseCache(configuration: configuration)
        let gate = Gate()
        let hanging = Task {
            try await cache.response(for: key, policy: policy) { _ in
                await gate.pass()
                return fetched("late")
            }
        }
        await gate.arrivals(1)
        now.withLock { $0 = $0 + .seconds(11) }
        let other = try await cache.response(for: key, policy: policy) { _ in fetched("prompt") }
        gate.open()

        #expect(other.text == "prompt")
        _ = try await hanging.value
    }

    @Test func answerEndsWithItsLife() async throws {
        let now = Mutex(Moment(nanoseconds: 0))
        var configuration = CacheConfiguration()
        configuration.clock = { now.withLock { $0 } }
        let cache = ResponseCache(configuration: configuration)
        _ = try await cache.response(for: key, policy: policy) { _ in
            fetched("x", ["Cache-Control": "max-age=5"])
        }

        #expect(cache.lookUp(key, at: Moment(nanoseconds: 4_999_999_999)) != nil)
        #expect(cache.lookUp(key, at: Moment(nanoseconds: 5_000_000_000)) == nil)
    }

    @Test func clientThatWantsAFreshAnswerGetsOne() async throws {
        let cache = ResponseCache()
        _ = try await cache.response(for: key, policy: policy) { _ in fetched("one") }
        let fresh = CacheRequest(cacheControl: "no-cache")
        let answer = try await cache.response(for: key, policy: obeying, request: fresh) { _ in
            fetched("two")
        }

        #expect(answer.text == "two")
        #expect(answer.status.forwarded == .request)
        #expect(cache.lookUp(key, at: .now())?.body == ByteBuffer(string: "two"))
    }

    @Test func onlyIfCachedNeverReachesTheUpstream() async throws {
        let cache = ResponseCache()
        let request = CacheRequest(cacheControl: "only-if-cached")
        let answer = try await cache.response(for: key, policy: obeying, request: request) { _ in
            Issue.record("the upstream was asked")
            return fetched("x")
        }

        #expect(answer.response.status == 504)
    }

    @Test func credentialsGoPastTheCache() async throws {
        let cache = ResponseCache()
        let request = CacheRequest(hasCredentials: true)
        for text in ["one", "two"] {
            let answer = try await cache.response(for: key, policy: policy, request: request) { _ in
                fetched(text)
            }
            #expect(answer.text == text)
            #expect(answer.status == .forwarded(.bypass, detail: "credentials"))
        }
        #expect(cache.size.entries == 0)
    }

    @Test func jitterOnlyShortensALife() {
        let policy = CachePolicy(jitter: 0.2)
        let lives = (0..<500).map { _ in policy.jittered(.seconds(100)) }

        #expect(lives.allSatisfy { $0 <= .seconds(100) && $0 >= .seconds(80) })
        #expect(Set(lives).count > 100)
    }
}
