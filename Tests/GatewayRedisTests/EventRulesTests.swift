import CloudEvents
import EventStreams
import Gateway
import NIOCore
import Testing

@testable import GatewayRedis

private func event(_ type: String, data: String = "{}") -> CloudEvent {
    CloudEvent(
        id: "e1", source: "/inventory", type: type, subject: "42", data: Array(data.utf8))
}

private func rules(_ tags: String..., events: [String] = ["ProductReleased"]) throws -> EventRules {
    EventRules([
        InvalidationRule(
            events: events, service: "inventory", tags: try tags.map { try TagTemplate($0) })
    ])
}

@Suite(.timeLimit(.minutes(3)))
struct EventRulesTests {
    @Test func tagsAreMadeOfTheEvent() throws {
        let rules = try rules(
            "order:{subject}", "inventory:{data.productId}", "deep:{data.a.b}", "n:{data.count}")
        let data = #"{"productId":"p 7","a":{"b":"x"},"count":12}"#
        let invalidation = rules.invalidation(of: event("ProductReleased", data: data))

        #expect(invalidation?.cause == "e1")
        #expect(
            invalidation?.tags.map(\.text) == ["order:42", "inventory:p%207", "deep:x", "n:12"])
    }

    @Test(arguments: [
        "{}", "[]", #"{"productId":null}"#, #"{"productId":[1]}"#, "{", #"{"productId":""}"#,
    ])
    func tagsWithoutAValueAreLeftOut(data: String) throws {
        let rules = try rules("order:{subject}", "inventory:{data.productId}")

        #expect(
            rules.invalidation(of: event("ProductReleased", data: data))?.tags
                == [CacheTag("order", "42")])
    }

    @Test func eventsOfNoRuleTakeNothing() throws {
        #expect(try rules("order:{subject}").invalidation(of: event("OrderCreated")) == nil)
        #expect(try rules("x:{data.missing}").invalidation(of: event("ProductReleased")) == nil)
    }

    @Test func rulesForOneEventAddUp() throws {
        let one = InvalidationRule(
            events: ["A", "B"], service: "s", tags: [try TagTemplate("a:{subject}")])
        let two = InvalidationRule(
            events: ["B"], service: "s", tags: [try TagTemplate("b:{subject}")])
        let rules = EventRules([one, two])

        #expect(rules.sources.map(\.event) == ["A", "B"])
        #expect(rules.invalidation(of: event("B"))?.tags.map(\.text) == ["a:42", "b:42"])
    }

    private let source = EventRules.Source(event: "ProductReleased", service: "inventory")

    private func invalidation(
        _ rules: EventRules, type: String? = nil, id: String? = nil, saga: String? = nil
    ) -> Invalidation? {
        rules.invalidation(
            of: EntryLabel(type: type, id: id, correlationID: saga), from: source, entry: "7-0")
    }

    /// Of an event that is too large, or is none.
    @Test func tagsAreMadeOfTheLabelAsFarAsItTells() throws {
        let rules = try rules("order:{subject}", "all:{type}", "saga:{correlationid}")
        let found = invalidation(rules, type: "ProductReleased", id: "e1", saga: "42")

        #expect(found?.cause == "e1")
        #expect(found?.tags.map(\.text) == ["order:42", "all:ProductReleased", "saga:42"])
        #expect(invalidation(rules, saga: "42")?.tags == found?.tags)
        #expect(invalidation(rules, saga: "42")?.cause == "inventory ProductReleased 7-0")
    }

    /// Then it may be anything that was changed.
    @Test func aLabelThatDoesNotTellAllTagsTellsNone() throws {
        let bySubject = try rules("order:{subject}")
        #expect(invalidation(bySubject, type: "ProductReleased", id: "e1") == nil)
        #expect(invalidation(bySubject, type: "Another", id: "e1", saga: "42") == nil)
        let byData = try rules("order:{subject}", "inventory:{data.productId}")
        #expect(invalidation(byData, type: "ProductReleased", id: "e1", saga: "42") == nil)
        #expect(invalidation(try rules("s:{source}"), id: "e1", saga: "42") == nil)
        #expect(invalidation(try rules("e:{id}"), saga: "42") == nil)
    }

    @Test func announcementIsReadAsItWasWritten() {
        let invalidation = Invalidation(
            cause: "request \"7\"\n", tags: [CacheTag("user", "a b"), CacheTag("user", "2")])
        let json = InvalidationMessage(invalidation).json()

        #expect(!json.contains("\n"))
        #expect(InvalidationMessage.read(ByteBuffer(string: json)) == invalidation)
    }

    @Test(arguments: ["", "{}", "[1]", #"{"cause":1,"tags":[]}"#, #"{"cause":"x"}"#])
    func otherMessagesAreNoAnnouncements(text: String) {
        #expect(InvalidationMessage.read(ByteBuffer(string: text)) == nil)
    }

    @Test func foreignTagsInAnAnnouncementAreLeftOut() {
        let text = #"{"cause":"x","tags":["user:1","}{*",""]}"#

        #expect(InvalidationMessage.read(ByteBuffer(string: text))?.tags == [CacheTag("user", "1")])
    }

    @Test func announcementOfTooManyTagsIsRefused() {
        let tags = (0..<300).map { "\"t:\($0)\"" }.joined(separator: ",")
        let text = "{\"cause\":\"x\",\"tags\":[\(tags)]}"

        #expect(InvalidationMessage.read(ByteBuffer(string: text)) == nil)
    }
}
