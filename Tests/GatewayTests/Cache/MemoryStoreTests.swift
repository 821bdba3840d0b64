import NIOCore
import NIOHTTP1
import Testing

@testable import Gateway

/// An answer for tests: its body, its tags, and when its life ends.
func storedResponse(
    _ body: String, tags: [CacheTag] = [], expires: Int64 = .max
) -> StoredResponse {
    let fetched = FetchedResponse(
        status: 200, fields: ["Content-Type": "text/plain"], body: ByteBuffer(string: body))
    return StoredResponse(
        rendering: RenderedResponse(fetched, isKept: true, wallSeconds: 0),
        guards: tags.map { TagGuard(tag: $0, generation: nil) },
        born: Moment(nanoseconds: 0), expires: Moment(nanoseconds: expires))
}

/// The key of one path, for tests.
func cacheKey(_ path: String) -> CacheKey {
    var builder = CacheKey.Builder()
    builder.begin(route: "test")
    builder.add(path)
    return builder.key
}

private let start = Moment(nanoseconds: 0)

@Suite(.timeLimit(.minutes(3)))
struct MemoryStoreTests {
    @Test func keepsAndReplacesByKey() {
        var store = MemoryStore(entryLimit: 10, byteLimit: 1 << 20)
        store.insert(storedResponse("one"), for: cacheKey("a"))
        store.insert(storedResponse("two"), for: cacheKey("a"))

        #expect(store.count == 1)
        #expect(store.lookUp(cacheKey("a"), at: start)?.body == ByteBuffer(string: "two"))
        #expect(store.lookUp(cacheKey("b"), at: start) == nil)
    }

    @Test func expiredAnswersAreNotGivenAndGo() {
        var store = MemoryStore(entryLimit: 10, byteLimit: 1 << 20)
        store.insert(storedResponse("old", expires: 5), for: cacheKey("a"))

        #expect(store.lookUp(cacheKey("a"), at: Moment(nanoseconds: 4)) != nil)
        #expect(store.lookUp(cacheKey("a"), at: Moment(nanoseconds: 5)) == nil)
        #expect(store.count == 0)
        #expect(store.bytes == 0)
    }

    /// The hand clears what it passes; passing all would hold up every look-up.
    @Test func handPassesFewEntriesWhereAllWereUsed() {
        var store = MemoryStore(entryLimit: 1_000, byteLimit: 1 << 30)
        for number in 0..<1_000 { store.insert(storedResponse("x"), for: cacheKey("\(number)")) }
        for number in 0..<1_000 { _ = store.lookUp(cacheKey("\(number)"), at: start) }
        store.insert(storedResponse("x"), for: cacheKey("new"))

        #expect(store.count == 1_000)
        #expect(store.lookUp(cacheKey("0"), at: start) != nil)
        #expect(store.lookUp(cacheKey("64"), at: start) == nil)
    }

    @Test func tagTakesAllItsAnswersAndNoOther() {
        var store = MemoryStore(entryLimit: 10, byteLimit: 1 << 20)
        let order = CacheTag("order", "1")
        let user = CacheTag("user", "1")
        store.insert(storedResponse("1", tags: [order, user]), for: cacheKey("a"))
        store.insert(storedResponse("2", tags: [order]), for: cacheKey("b"))
        store.insert(storedResponse("3", tags: [user]), for: cacheKey("c"))

        #expect(store.remove(tagged: order) == 2)
        #expect(store.remove(tagged: order) == 0)
        #expect(store.count == 1)
        #expect(store.lookUp(cacheKey("c"), at: start) != nil)
        #expect(store.remove(tagged: user) == 1)
        #expect(store.bytes == 0)
    }

    @Test func whatIsUsedOutlivesWhatIsNot() {
        var store = MemoryStore(entryLimit: 3, byteLimit: 1 << 20)
        for name in ["a", "b", "c"] { store.insert(storedResponse(name), for: cacheKey(name)) }
        _ = store.lookUp(cacheKey("a"), at: start)
        store.insert(storedResponse("d"), for: cacheKey("d"))
        store.insert(storedResponse("e"), for: cacheKey("e"))

        #expect(store.lookUp(cacheKey("a"), at: start) != nil)
        #expect(store.lookUp(cacheKey("b"), at: start) == nil)
        #expect(store.lookUp(cacheKey("c"), at: start) == nil)
    }

    @Test func boundsHoldUnderAnyUse() {
        var store = MemoryStore(entryLimit: 50, byteLimit: 60_000)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let name = "\(Int.random(in: 0..<200, using: &random))"
            let tag = CacheTag("tag", "\(Int.random(in: 0..<20, using: &random))")
            switch Int.random(in: 0..<10, using: &random) {
            case 0: store.remove(tagged: tag)
            case 1...5: _ = store.lookUp(cacheKey(name), at: start)
            default:
                let body = String(repeating: "x", count: Int.random(in: 0..<3_000, using: &random))
                store.insert(storedResponse(body, tags: [tag]), for: cacheKey(name))
            }
            #expect(store.count <= 50 && store.bytes <= 60_000 && store.bytes >= 0)
        }
        for number in 0..<20 { store.remove(tagged: CacheTag("tag", "\(number)")) }
        #expect(store.count == 0)
        #expect(store.bytes == 0)
    }

    @Test func answerLargerThanTheStoreIsNotKept() {
        var store = MemoryStore(entryLimit: 10, byteLimit: 2_000)
        store.insert(storedResponse("small"), for: cacheKey("a"))
        store.insert(storedResponse(String(repeating: "x", count: 4_000)), for: cacheKey("b"))

        #expect(store.lookUp(cacheKey("a"), at: start) != nil)
        #expect(store.lookUp(cacheKey("b"), at: start) == nil)
    }
}
