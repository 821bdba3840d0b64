import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import Gateway

/// A second level in memory, which can be made to fail and to wait.
final class MemorySecondLevel: SecondLevelCache {
    struct State {
        var run = "run-1"
        var isAway = false
        var entries: [CacheKey: SecondLevelEntry] = [:]
        var generations: [CacheTag: UInt64] = [:]
        var starts: UInt64 = 0
        var known: Set<String> = []
        var announced: [Invalidation] = []
        var reads = 0
    }

    let state = Mutex(State())
    let raising = Mutex<Gate?>(nil)
    let reading = Mutex<Gate?>(nil)

    func read(_ key: CacheKey, likely tags: [CacheTag]) async -> SecondLevelReading? {
        let entry = state.withLock { state in
            state.reads += 1
            return state.entries[key]
        }
        let all = tags + (entry.map { Array($0.generations.values.keys) } ?? [])
        guard let present = await generations(of: all) else { return nil }
        await reading.withLock { $0 }?.pass()
        return SecondLevelReading(entry: entry, present: present)
    }

    func generations(of tags: [CacheTag]) async -> Generations? {
        state.withLock { state in
            if state.isAway { return nil }
            for tag in tags where state.generations[tag] == nil {
                state.starts += 1
                state.generations[tag] = state.starts * 1_000
            }
            let values = state.generations.filter { tags.contains($0.key) }
            return Generations(
                epoch: Generation(number: 1, keeper: state.run),
                values: values.mapValues { Generation(number: $0, keeper: state.run) })
        }
    }

    func store(_ entry: SecondLevelEntry, for key: CacheKey) async {
        state.withLock { state in
            let isCurrent = entry.generations.values.allSatisfy {
                state.generations[$0.key] == $0.value.number
            }
            if !state.isAway, isCurrent { state.entries[key] = entry }
        }
    }

    func raise(_ invalidations: [Invalidation]) async -> Bool {
        await raising.withLock { $0 }?.pass()
        return state.withLock { state in
            if state.isAway { return false }
            for invalidation in invalidations {
                for tag in invalidation.tags
                where state.known.insert("\(invalidation.cause) \(tag)").inserted {
                    if let present = state.generations[tag] {
                        state.generations[tag] = present + 1
                    }
                }
            }
            return true
        }
    }

    func raiseAll() async -> Bool {
        state.withLock { state in
            if state.isAway { return false }
            state.entries = [:]
            return true
        }
    }

    func announce(_ invalidation: Invalidation) async -> Bool {
        state.withLock { state in
            if !state.isAway { state.announced.append(invalidation) }
            return !state.isAway
        }
    }
}

private let policy = CachePolicy(lifetime: .seconds(60), jitter: 0)
private let key = cacheKey("/orders/1")
private let tag = CacheTag("order", "1")

extension ResponseCache {
    /// One request whose fill, if it comes to one, gives `text` under the tag.
    fileprivate func ask(_ text: String) async throws -> CacheAnswer {
        try await response(for: key, policy: policy, tags: [tag]) { scope in
            await scope.watch([tag])
            return fetched(text)
        }
    }

    /// Waits until the second level holds the entry of the key.
    fileprivate func stored(in second: MemorySecondLevel) async {
        while second.state.withLock({ $0.entries[key] }) == nil, !Task.isCancelled {
            await Task.yield()
        }
    }
}

@Suite(.timeLimit(.minutes(3)))
struct SecondLevelTests {
    @Test func whatOneGatewayFillsTheOtherReads() async throws {
        let second = MemorySecondLevel()
        let (one, two) = (ResponseCache(secondLevel: second), ResponseCache(secondLevel: second))
        _ = try await one.ask("first")
        await one.stored(in: second)
        let answer = try await two.ask("own")

        #expect(answer.text == "first")
        #expect(answer.status == .secondLevelHit)
        #expect(answer.response.tags == [tag])
        #expect(two.lookUp(key, at: .now()) != nil)
    }

    @Test func entryOfAnOldGenerationIsNotUsed() async throws {
        let second = MemorySecondLevel()
        let (one, two) = (ResponseCache(secondLevel: second), ResponseCache(secondLevel: second))
        _ = try await one.ask("old")
        await one.stored(in: second)
        await one.invalidate([tag], cause: "write")
        let answer = try await two.ask("new")

        #expect(answer.text == "new")
        #expect(second.state.withLock { $0.announced.map(\.tags) } == [[tag]])
    }

    @Test func secondLevelIsNotBelievedWhileARaiseIsUnderWay() async throws {
        let second = MemorySecondLevel()
        let (one, two) = (ResponseCache(secondLevel: second), ResponseCache(secondLevel: second))
        _ = try await one.ask("old")
        await one.stored(in: second)
        second.state.withLock { $0.isAway = true }
        two.take([Invalidation(cause: "e1", tags: [tag])])
        second.state.withLock { $0.isAway = false }
        let answer = try await two.ask("new")

        #expect(answer.text == "new")
        #expect(await two.settle())
    }

    @Test func changeDuringAReadingVoidsIt() async throws {
        let second = MemorySecondLevel()
        let (one, two) = (ResponseCache(secondLevel: second), ResponseCache(secondLevel: second))
        _ = try await one.ask("old")
        await one.stored(in: second)
        let gate = Gate()
        second.reading.withLock { $0 = gate }
        let request = Task { try await two.ask("new") }
        await gate.arrivals(1)
        await two.invalidate([tag], cause: "e1")
        gate.open()

        #expect(try await request.value.text == "new")
    }

    @Test func entryOfAnotherRunIsNotUsed() async throws {
        let second = MemorySecondLevel()
        let (one, two) = (ResponseCache(secondLevel: second), ResponseCache(secondLevel: second))
        _ = try await one.ask("old")
        await one.stored(in: second)
        second.state.withLock { $0.run = "run-2" }

        #expect(try await two.ask("new").text == "new")
    }

    @Test func fillThatSawTwoRunsIsNotStored() async throws {
        let second = MemorySecondLevel()
        let cache = ResponseCache(secondLevel: second)
        _ = try await cache.response(for: key, policy: policy) { scope in
            await scope.watch([tag])
            second.state.withLock { $0.run = "run-2" }
            await scope.watch([CacheTag("user", "1")])
            return fetched("x")
        }

        #expect(cache.lookUp(key, at: .now()) != nil)
        #expect(second.state.withLock { $0.entries.isEmpty })
    }

    @Test(arguments: [404, 410])
    func whatIsNotThereIsKeptHereAlone(status: Int) async throws {
        let second = MemorySecondLevel()
        let cache = ResponseCache(secondLevel: second)
        let answer = try await cache.response(for: key, policy: policy, tags: [tag]) { scope in
            await scope.watch([tag])
            return FetchedResponse(status: status, fields: [:], body: ByteBuffer())
        }

        #expect(answer.status.isStored)
        #expect(cache.lookUp(key, at: .now()) != nil)
        #expect(second.state.withLock { $0.entries.isEmpty })
    }

    @Test func answerThatTellsOfATagIsKeptHereAloneAndTheNextForAll() async throws {
        let second = MemorySecondLevel()
        let cache = ResponseCache(secondLevel: second)
        let told = CacheTag("user", "9")
        func ask() async throws -> CacheAnswer {
            try await cache.response(for: key, policy: policy, tags: [tag]) { scope in
                await scope.watch([tag])
                scope.learn([told])
                return fetched("x")
            }
        }
        #expect(try await ask().status.isStored)
        #expect(cache.lookUp(key, at: .now())?.tags == [tag, told])
        #expect(second.state.withLock { $0.entries.isEmpty })
        await cache.invalidate([told], cause: "write")
        #expect(cache.lookUp(key, at: .now()) == nil)
        _ = try await ask()
        await cache.stored(in: second)

        let entry = try #require(second.state.withLock { $0.entries[key] })
        #expect(Set(entry.generations.values.keys) == [tag, told])
    }

    @Test func changeOfWhatAnAnswerTellsOfOvertakesItsFill() async throws {
        let cache = ResponseCache(secondLevel: MemorySecondLevel())
        let told = CacheTag("user", "9")
        _ = try await cache.response(for: key, policy: policy, tags: [tag]) { scope in
            await scope.watch([tag])
            await cache.invalidate([told], cause: "write")
            scope.learn([told])
            return fetched("old")
        }

        #expect(cache.lookUp(key, at: .now()) == nil)
    }

    @Test func awaySecondLevelCostsNothingButItsShare() async throws {
        let second = MemorySecondLevel()
        second.state.withLock { $0.isAway = true }
        let cache = ResponseCache(secondLevel: second)
        _ = try await cache.ask("one")

        #expect(cache.lookUp(key, at: .now()) != nil)
        #expect(second.state.withLock { $0.entries.isEmpty })
    }

    @Test func ownWriteWhoseRaiseFailsIsRaisedAndToldLater() async throws {
        let second = MemorySecondLevel()
        let (one, two) = (ResponseCache(secondLevel: second), ResponseCache(secondLevel: second))
        _ = try await one.ask("old")
        await one.stored(in: second)
        second.state.withLock { $0.isAway = true }
        await one.invalidate([tag], cause: "write")
        #expect(await !one.settle())
        second.state.withLock { $0.isAway = false }
        #expect(await one.settle())

        #expect(try await two.ask("new").text == "new")
        #expect(second.state.withLock { $0.announced.map(\.cause) } == ["write"])
    }

    @Test func overtakenFillIsStoredNowhere() async throws {
        let second = MemorySecondLevel()
        let cache = ResponseCache(secondLevel: second)
        let gate = Gate()
        let request = Task {
            try await cache.response(for: key, policy: policy, tags: [tag]) { scope in
                await scope.watch([tag])
                await gate.pass()
                return fetched("old")
            }
        }
        await gate.arrivals(1)
        await cache.invalidate([tag], cause: "write")
        gate.open()

        #expect(try await request.value.status == .forwarded(.uriMiss, detail: "overtaken"))
        #expect(try await cache.ask("new").text == "new")
        await cache.stored(in: second)
        #expect(second.state.withLock { $0.entries[key]?.body } == ByteBuffer(string: "new"))
    }

    @Test func suspendedGatewayFillsForTheOthers() async throws {
        let second = MemorySecondLevel()
        let (one, two) = (ResponseCache(secondLevel: second), ResponseCache(secondLevel: second))
        one.suspend()
        var status = CacheStatus.forwarded(.uriMiss, detail: "suspended")
        status.isStored = true
        #expect(try await one.ask("shared").status == status)
        await one.stored(in: second)

        #expect(try await two.ask("own").text == "shared")
    }

    @Test func tooManyPendingRaisesMakeEverythingInvalid() async throws {
        var configuration = CacheConfiguration()
        configuration.pendingRaiseLimit = 3
        let second = MemorySecondLevel()
        let cache = ResponseCache(configuration: configuration, secondLevel: second)
        _ = try await ResponseCache(secondLevel: second).ask("old")
        await cache.stored(in: second)
        for number in 0..<10 {
            cache.take([Invalidation(cause: "\(number)", tags: [CacheTag("n", "\(number)")])])
        }

        #expect(try await cache.ask("new").text == "new")
        #expect(await cache.settle())
        #expect(cache.state.withLock { $0.isSettled })
    }

    @Test func suspendedGatewayDoesNotAskTheSecondLevel() async throws {
        let second = MemorySecondLevel()
        let (one, two) = (ResponseCache(secondLevel: second), ResponseCache(secondLevel: second))
        _ = try await one.ask("old")
        await one.stored(in: second)
        two.suspend()

        #expect(try await two.ask("new").text == "new")
        #expect(second.state.withLock { $0.reads } == 1)
    }
}
