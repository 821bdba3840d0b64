import Foundation
import Testing

@testable import Saga

/// A value as the fields of a record, and what is said if they are not such a value.
@Suite(.timeLimit(.minutes(1)))
struct RecordFieldsTests {
    @Test func eachMemberIsAFieldThatCanBeReadAndCounted() throws {
        let fields = try RecordFields.encode(Stay.sample, of: "stay:1")

        #expect(
            fields == [
                "room": "12 \"b\" / é\n", "nights": "3", "price": "9007199254740993",
                "rate": "0.1", "isPaid": "true", "from": "2026-11-22T09:30:00.125Z",
                "status": "booked", "guests": #"["Ada","B\"b"]"#,
                "place": #"{"built":"1970-01-01T00:00:00.000Z","city":"Rome"}"#,
                "link": "https://example.com/a?b=c#d", "key": "AP8=", "exact": "1.1",
                "id": "E621E1F8-C36C-495A-93FC-0C247A3E6E5F", "share": "0.5",
            ])
        #expect(try RecordFields.decode(Stay.self, from: fields, of: "stay:1") == .sample)
    }

    @Test func whatIsNilHasNoFieldAndATextOfThatWordHas() throws {
        let fields = try RecordFields.encode(Word(text: "null", other: nil), of: "word:1")

        #expect(fields == ["text": "null"])
        let word = try RecordFields.decode(Word.self, from: fields, of: "word:1")
        #expect(word == Word(text: "null", other: nil))
    }

    @Test(arguments: ["", "5", "-0.5", "true", "[1]", #"{"a":1}"#, #""quoted""#, " x ", "1e5"])
    func aTextStaysATextWhateverItLooksLike(_ text: String) throws {
        let fields = try RecordFields.encode(Word(text: text, other: text), of: "word:1")

        #expect(fields == ["text": text, "other": text])
        let word = try RecordFields.decode(Word.self, from: fields, of: "word:1")
        #expect(word == Word(text: text, other: text))
    }

    @Test func numbersAreExactAtTheirEnds() throws {
        let ends = ["low": Int64.min, "high": .max]
        #expect(
            try RecordFields.encode(ends, of: "n")
                == ["low": "-9223372036854775808", "high": "9223372036854775807"])
        let fields = try RecordFields.encode(["all": UInt64.max], of: "n")
        let read = try RecordFields.decode([String: UInt64].self, from: fields, of: "n")
        #expect(read == ["all": .max])
    }

    @Test(
        arguments: [
            ("nights", "many", "'nights' is not of type Int"),
            ("nights", "2.5", "'nights' is not of type Int"),
            ("nights", "+3", "'nights' is not of type Int"),
            ("nights", "", "'nights' is not of type Int"),
            ("nights", "9223372036854775808", "'nights' is not of type Int"),
            ("isPaid", "1", "'isPaid' is not of type Bool"),
            ("rate", "nan", "'rate' is not of type Double"),
            ("rate", "0x1p3", "'rate' is not of type Double"),
            ("from", "yesterday", "'from' is not of type Date"),
            ("status", "lost", "'status' cannot be read"),
            ("guests", "[1]", "'guests.0' is not of type String"),
            ("guests", "Ada", "'guests' cannot be read"),
            ("place", "{}", "there is no 'place.city'"), ("room", nil, "there is no 'room'"),
        ] as [(String, String?, String)])
    func aFieldThatHoldsSomethingElseIsNamed(
        _ field: String, _ text: String?, _ fault: String
    ) throws {
        var fields = try RecordFields.encode(Stay.sample, of: "stay:1")
        fields[field] = text

        let error = #expect(throws: SagaError.self) {
            try RecordFields.decode(Stay.self, from: fields, of: "stay:1")
        }
        #expect(error?.code == .undecodable)
        #expect(error?.message == "stay:1 holds no Stay: \(fault)")
    }

    @Test func whatHasNoMembersIsNoRecord() {
        let error = #expect(throws: SagaError.self) { try Changes { try $0.set("n:1", 5) } }
        #expect(error?.code == .undecodable)
        #expect(error?.message == "Int cannot be written to the fields of n:1")
        #expect(throws: SagaError.self) { try Changes { try $0.set("n:1", ["rate": Double.nan]) } }
        #expect(throws: SagaError.self) { try Changes { try $0.set("n:1", [1, 2]) } }
        let whole = #expect(throws: SagaError.self) {
            try RecordFields.decode(Int.self, from: ["a": "5"], of: "n:1")
        }
        #expect(whole?.message == "n:1 holds no Int: it cannot be read")
    }

    @Test func whoeverReadsItsPartsByHandFindsThem() throws {
        let tree = Tree(name: "oak", leaves: [1, 2], height: 9)

        let fields = try RecordFields.encode(tree, of: "tree:1")

        #expect(fields == ["name": "oak", "body": #"{"height":9,"leaves":[1,2]}"#])
        #expect(try RecordFields.decode(Tree.self, from: fields, of: "tree:1") == tree)
        for either in [Either.text("[1]"), .text("\"q\""), .texts(["a"])] {
            let fields = try RecordFields.encode(["it": either], of: "e")
            let read = try RecordFields.decode([String: Either].self, from: fields, of: "e")
            #expect(read == ["it": either])
        }
    }
}

private struct Stay: Codable, Equatable {
    enum Status: String, Codable { case booked, paid }

    struct Place: Codable, Equatable {
        var city: String
        var built: Date
    }

    var room: String
    var nights: Int
    var price: Int64
    var rate: Double
    var isPaid: Bool
    var from: Date
    var status: Status
    var guests: [String]
    var place: Place
    var link: URL?
    var key: Data
    var exact: Decimal
    var id: UUID?
    var share: Float
    var note: String?

    static let sample = Stay(
        room: "12 \"b\" / é\n", nights: 3, price: 9_007_199_254_740_993, rate: 0.1, isPaid: true,
        from: Date(timeIntervalSince1970: 1_795_339_800.125), status: .booked,
        guests: ["Ada", "B\"b"], place: Place(city: "Rome", built: Date(timeIntervalSince1970: 0)),
        link: URL(string: "https://example.com/a?b=c#d"), key: Data([0, 255]),
        exact: Decimal(string: "1.1") ?? 0,
        id: UUID(uuidString: "E621E1F8-C36C-495A-93FC-0C247A3E6E5F"), share: 0.5)
}

private struct Word: Codable, Equatable {
    var text: String
    var other: String?
}

/// Keeps two members in an object of its own.
private struct Tree: Codable, Equatable {
    enum Keys: CodingKey { case name, body }
    enum BodyKeys: CodingKey { case leaves, height }

    var name: String
    var leaves: [Int]
    var height: Int

    init(name: String, leaves: [Int], height: Int) {
        self.name = name
        self.leaves = leaves
        self.height = height
    }

    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: Keys.self)
        let body = try keys.nestedContainer(keyedBy: BodyKeys.self, forKey: .body)
        name = try keys.decode(String.self, forKey: .name)
        leaves = try body.decode([Int].self, forKey: .leaves)
        height = try body.decode(Int.self, forKey: .height)
    }

    func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: Keys.self)
        var body = keys.nestedContainer(keyedBy: BodyKeys.self, forKey: .body)
        try keys.encode(name, forKey: .name)
        try body.encode(leaves, forKey: .leaves)
        try body.encode(height, forKey: .height)
    }
}

/// One text or several.
private enum Either: Codable, Equatable {
    case text(String)
    case texts([String])

    init(from decoder: any Decoder) throws {
        if let texts = try? [String](from: decoder) {
            self = .texts(texts)
        } else {
            self = .text(try String(from: decoder))
        }
    }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .text(let text): try text.encode(to: encoder)
        case .texts(let texts): try texts.encode(to: encoder)
        }
    }
}
