import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(3)))
struct CacheKeyTests {
    private func key(_ fields: String...) -> CacheKey {
        var builder = CacheKey.Builder()
        builder.begin(route: fields[0])
        for field in fields.dropFirst() { builder.add(field) }
        return builder.key
    }

    @Test func fieldsThatRunTogetherAreOtherKeys() {
        #expect(key("orders", "ab", "c") != key("orders", "a", "bc"))
        #expect(key("orders", "ab") != key("orders", "ab", ""))
        #expect(key("orders", "a\u{0}b") != key("orders", "a", "b"))
        #expect(key("orders", "ab", "c") == key("orders", "ab", "c"))
    }

    @Test func absentVaryingFieldDiffersFromEveryValue() {
        var keys: Set<CacheKey> = []
        for value in [nil, "", "-", "+", "+-"] {
            var builder = CacheKey.Builder()
            builder.begin(route: "orders")
            builder.add(varying: value)
            keys.insert(builder.key)
        }

        #expect(keys.count == 5)
    }

    @Test func usedBuilderForgetsItsLastKey() {
        var builder = CacheKey.Builder()
        builder.begin(route: "orders")
        builder.add("1")
        let first = builder.key
        builder.begin(route: "orders")
        builder.add("2")

        #expect(first == key("orders", "1"))
        #expect(builder.key == key("orders", "2"))
    }

    @Test func digestDependsOnTheKey() {
        let digest = key("orders", "1").digest

        #expect(digest.count == 64)
        #expect(digest == key("orders", "1").digest)
        #expect(digest != key("orders", "2").digest)
    }
}
