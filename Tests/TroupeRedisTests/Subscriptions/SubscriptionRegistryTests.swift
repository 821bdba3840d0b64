import Testing

@testable import TroupeRedis

@Suite(.timeLimit(.minutes(3)))
struct SubscriptionRegistryTests {
    private typealias Request = SubscriptionRegistry.Request

    @Test func asksForATopicOnce() {
        var registry = SubscriptionRegistry()
        _ = registry.connected()
        let first = registry.add(1, [.channel("a")])
        let second = registry.add(2, [.channel("a")])
        #expect(first.requests == [Request(topics: [.channel("a")], isSubscribe: true)])
        #expect(second.requests.isEmpty)
        #expect(!first.isActive && !second.isActive)
        #expect(registry.confirmed() == [1, 2])
        #expect(registry.add(3, [.channel("a")]).isActive)
        #expect(registry.subscribers(of: .channel("a")) == [1, 2, 3])
    }

    @Test func isActiveOnlyWithAllTopics() {
        var registry = SubscriptionRegistry()
        _ = registry.connected()
        let requests = registry.add(1, [.channel("a"), .channel("b"), .pattern("p*")]).requests
        #expect(requests.count == 2)
        #expect(registry.confirmed() == [])
        #expect(registry.confirmed() == [])
        #expect(registry.confirmed() == [1])
        #expect(registry.confirmed() == nil)
    }

    @Test func asksForEverythingAgainAfterALoss() {
        var registry = SubscriptionRegistry()
        #expect(registry.add(1, [.channel("a")]).requests.isEmpty)
        #expect(registry.connected().count == 1)
        #expect(registry.confirmed() == [1])
        #expect(registry.disconnected() == [1])
        #expect(registry.disconnected() == [])
        _ = registry.add(2, [.channel("b")])
        let topics = registry.connected().flatMap(\.topics)
        #expect(Set(topics) == [.channel("a"), .channel("b")])
        #expect(registry.confirmed()?.count == 1)
        #expect(registry.confirmed()?.count == 1)
    }

    @Test func survivesASubscriberThatComesAndGoesQuickly() {
        var registry = SubscriptionRegistry()
        _ = registry.connected()
        _ = registry.add(1, [.channel("a")])
        #expect(registry.remove(1) == [Request(topics: [.channel("a")], isSubscribe: false)])
        let again = registry.add(2, [.channel("a")])
        #expect(again.requests == [Request(topics: [.channel("a")], isSubscribe: true)])
        #expect(registry.confirmed() == [])
        #expect(registry.confirmed() == [])
        #expect(registry.confirmed() == [2])
        _ = registry.remove(2)
        #expect(registry.confirmed() == [])
        #expect(registry.connected().isEmpty)
    }

    @Test func keepsARefusedSubscriberInactive() {
        var registry = SubscriptionRegistry()
        _ = registry.connected()
        _ = registry.add(1, [.channel("forbidden")])
        _ = registry.add(2, [.channel("a")])
        #expect(registry.refused() == .final([.channel("forbidden")], isNews: true))
        #expect(registry.confirmed() == [2])
        #expect(registry.disconnected() == [2])
        #expect(registry.connected().flatMap(\.topics).count == 2)
    }

    @Test func asksAgainForWhatWasRefusedUntilItIsPermitted() {
        var registry = SubscriptionRegistry()
        _ = registry.connected()
        _ = registry.add(1, [.channel("forbidden")])
        _ = registry.add(2, [.channel("a")])
        _ = registry.refused()
        _ = registry.confirmed()
        let request = Request(topics: [.channel("forbidden")], isSubscribe: true)

        #expect(registry.askAgain() == [request])
        #expect(registry.askAgain().isEmpty, "once at a time")
        #expect(registry.refused() == .final(request.topics, isNews: false))
        #expect(registry.askAgain() == [request])
        #expect(registry.confirmed() == [1])
        #expect(registry.askAgain().isEmpty)
    }

    @Test func asksOneByOneWhenAllWereRefusedTogether() {
        var registry = SubscriptionRegistry()
        _ = registry.add(1, [.channel("forbidden")])
        _ = registry.add(2, [.channel("a")])
        let topics = registry.connected().flatMap(\.topics)
        let retries = topics.map { Request(topics: [$0], isSubscribe: true) }
        #expect(registry.refused() == .retry(retries))
        let answers = topics.map { topic -> Bool in
            topic == .channel("a")
                ? registry.confirmed() == [2] : registry.refused() == .final([topic], isNews: true)
        }
        #expect(answers == [true, true])
        #expect(registry.confirmed() == nil)
    }

    @Test func splitsLongRequests() {
        var registry = SubscriptionRegistry()
        _ = registry.connected()
        let topics = (0..<600).map { SubscriptionRegistry.Topic.channel("\($0)") }
        let requests = registry.add(1, topics).requests
        #expect(requests.map(\.topics.count) == [256, 256, 88])
        for _ in 0..<599 { #expect(registry.confirmed() == []) }
        #expect(registry.confirmed() == [1])
    }
}
