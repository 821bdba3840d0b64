import Foundation
import Saga
import Testing

/// Our coders say the same as Foundation's, or leave the work to them.
@Suite(.timeLimit(.minutes(1)))
struct EventPayloadTests {
    @Test func aRichPayloadComesBackAsItWentOut() throws {
        let payload = Rich.sample

        let text = try EventPayload.encode(payload)

        #expect(try EventPayload.decode(Rich.self, from: text) == payload)
        #expect(try JSONDecoder().decode(Rich.self, from: Data(text)) == payload)
        let theirs = [UInt8](try JSONEncoder().encode(payload))
        #expect(try EventPayload.decode(Rich.self, from: theirs) == payload)
    }

    @Test func whatFoundationWritesItsOwnWayIsLeftToIt() throws {
        let payload = Odd(
            float: 0.5, bytes: Data([0, 255]), link: URL(string: "https://example.com/a?b=c#d"),
            exact: 1.1)

        let text = try EventPayload.encode(payload)

        #expect(try EventPayload.decode(Odd.self, from: text) == payload)
        #expect(try JSONDecoder().decode(Odd.self, from: Data(text)) == payload)
    }

    @Test func aPlainPayloadKeepsTheOrderOfItsFields() throws {
        let text = try EventPayload.encode(Plain(id: "a\"\\\n\u{1}é", count: -5, price: 2.5))

        #expect(
            String(decoding: text, as: UTF8.self)
                == #"{"id":"a\"\\\n\u0001é","count":-5,"price":2.5}"#)
        #expect(
            try EventPayload.decode(Plain.self, from: text)
                == Plain(id: "a\"\\\n\u{1}é", count: -5, price: 2.5))
    }

    @Test func whateverFoundationTakesIsTaken() throws {
        let text = #" { "price" : 1e2 , "more":[{"a":"}"},[]], "id" : "\u00e9\/" , "count":7 } "#

        let payload = try EventPayload.decode(Plain.self, from: Array(text.utf8))

        #expect(payload == Plain(id: "é/", count: 7, price: 100))
    }

    @Test(arguments: [
        "", "{", "[]", "null", "{}", #"{"id":1,"count":1,"price":1}"#,
        #"{"id":"a","count":1.5,"price":1}"#, #"{"id":"a","count":99999999999999999999,"price":1}"#,
        #"{"id":"a","count":"1","price":1}"#, #"{"id":"a","count":null,"price":1}"#,
        #"{"id":"a","count":1,"price":true}"#, #"{"id":"a""count":1,"price"#,
    ])
    func whatIsNoPayloadIsRefused(_ text: String) {
        let error = #expect(throws: SagaError.self) {
            try EventPayload.decode(Plain.self, from: Array(text.utf8))
        }

        #expect(error?.code == .undecodable)
    }

    @Test func containersThatAreWrittenInTurnsAreLeftToFoundation() throws {
        let payload = Interleaved(first: [1, 2], second: ["a": 3])

        let text = try EventPayload.encode(payload)

        #expect(try EventPayload.decode(Interleaved.self, from: text) == payload)
    }
}

private struct Plain: SagaEvent, Equatable {
    static let owner = "test"
    var id: String
    var count: Int
    var price: Double
}

private struct Rich: SagaEvent, Equatable {
    static let owner = "test"

    struct Nested: Codable, Equatable {
        var names: [String]
        var numbers: [String: Int]
        var deeper: [[Plain]]
    }

    enum Kind: String, Codable { case one, two }
    enum Choice: Codable, Equatable {
        case nothing
        case some(count: Int, UInt8)
    }

    var nested: Nested
    var kinds: [Kind]
    var choices: [Choice]
    var missing: String?
    var present: String?
    var isTrue: Bool
    var small: Int8
    var large: UInt64
    var date: Date
    var keyed: [Int: String]

    static let sample = Rich(
        nested: Nested(
            names: ["a", "", "🎭"], numbers: ["x": 1, "y z": -2],
            deeper: [[], [Plain(id: "p", count: 0, price: -0.125)]]),
        kinds: [.two, .one], choices: [.nothing, .some(count: 4, 5)], missing: nil,
        present: "here", isTrue: true, small: -128, large: .max,
        date: Date(timeIntervalSinceReferenceDate: 12_345.5), keyed: [1: "one", -2: "two"])
}

/// What Foundation writes in ways of its own.
private struct Odd: SagaEvent, Equatable {
    static let owner = "test"
    var float: Float
    var bytes: Data
    var link: URL?
    var exact: Decimal
}

private struct Interleaved: SagaEvent, Equatable {
    static let owner = "test"
    var first: [Int]
    var second: [String: Int]

    init(first: [Int], second: [String: Int]) {
        self.first = first
        self.second = second
    }

    enum CodingKeys: String, CodingKey { case first, second }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        first = try container.decode([Int].self, forKey: .first)
        second = try container.decode([String: Int].self, forKey: .second)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        var numbers = container.nestedUnkeyedContainer(forKey: .first)
        try numbers.encode(first[0])
        try container.encode(second, forKey: .second)
        try numbers.encode(first[1])
    }
}
