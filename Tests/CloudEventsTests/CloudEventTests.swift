import CloudEvents
import Testing
import Timekeeping

@Suite(.timeLimit(.minutes(1)))
struct CloudEventTests {
    @Test func anEventComesBackAsItWentOut() throws {
        let event = CloudEvent(
            source: "/payment", type: "PaymentProcessed",
            subject: "a \"quoted\" \\ \n\u{1}\u{7F} é 🎭",
            time: 1_790_000_000_123, causationID: UUIDv7.next(), traceparent: "00-abc-def-01",
            coordination: "choreography", route: "order", dataVersion: 3,
            data: Array(#"{"amount":100,"nested":{"list":[1,-2.5e+3,true,null,"}"]}}"#.utf8))

        let text = event.json()

        #expect(try CloudEvent(json: text) == event)
        #expect(!text.contains(0x0A))
    }

    @Test func theFirstDataVersionIsNotWritten() throws {
        let event = CloudEvent(
            source: "/a", type: "T", subject: "s", time: 0, data: Array("{}".utf8))

        let text = String(decoding: event.json(), as: UTF8.self)

        #expect(
            text
                == #"{"specversion":"1.0","id":"\#(event.id)","source":"/a","type":"T","#
                + #""subject":"s","time":"1970-01-01T00:00:00.000Z","correlationid":"s","data":{}}"#
        )
    }

    @Test func lineBreaksBetweenTokensOfThePayloadVanish() {
        let event = CloudEvent(
            source: "/a", type: "T", subject: "s", data: Array("{\n\"a\":\r\n1}".utf8))

        #expect(!event.json().contains(0x0A) && !event.json().contains(0x0D))
    }

    @Test func unknownAttributesAndSpacesAreTaken() throws {
        let text = """
            { "data" : {"a":1} , "unknown":{"deep":[{}]}, "id":"1", "source":"/a", "type":"T",
              "subject":"\\u0073\\ud83c\\udfad", "time":"2026-11-23T17:00:00.5+01:00",
              "datacontenttype":"application/json", "specversion":"1.0" }
            """

        let event = try CloudEvent(json: Array(text.utf8))

        #expect(event.subject == "s🎭")
        #expect(event.correlationID == "s🎭")
        #expect(event.time == 1_795_449_600_500)
        #expect(event.data == Array(#"{"a":1}"#.utf8))
    }

    @Test func escapesStandForWhatTheyMean() throws {
        let text = #"""
            {"\u0073pecversion":"1\u002e0","id":"1","source":"/a","t\u0079pe":"T","subject":"s",
             "time":"2026-11-23T16:00:00\u005a","correlationid":"other","data":{}}
            """#

        let event = try CloudEvent(json: Array(text.utf8))

        #expect(event.type == "T")
        #expect(event.subject == "s")
        #expect(event.correlationID == "other")
        #expect(event.time == 1_795_449_600_000)
    }

    @Test(arguments: [
        ("", CloudEventError.Code.malformed), ("[]", .malformed), ("{", .malformed),
        ("{}", .missing), (good + "x", .malformed), (good.dropLast() + ",}", .malformed),
        (good.replacing("\"1.0\"", with: "\"0.3\""), .unsupported),
        (good.replacing("\"1.0\"", with: "1.0"), .invalid),
        (good.replacing("\"id\":\"1\"", with: "\"id\":\"\""), .invalid),
        (good.replacing("\"id\":\"1\"", with: "\"id\":\"1\",\"id\":\"2\""), .invalid),
        (good.replacing("{}", with: "\"{}\""), .invalid),
        (good.replacing("{}", with: "{\"a\":01}"), .malformed),
        (good.replacing("{}", with: "{\"a\":1,}"), .malformed),
        (good.replacing("{}", with: "{\"a\":\"\u{1}\"}"), .malformed),
        (good.replacing("{}", with: "{\"a\":\"\\ud800\"}"), .malformed),
        (good.replacing("{}", with: "{\"a\":\"\\x\"}"), .malformed),
        (good.replacing("{}", with: "{\"a\":tru}"), .malformed),
        (good.replacing("{}", with: String(repeating: "{\"a\":", count: 500)), .malformed),
        (good.replacing("2026-", with: "2026-13"), .invalid),
        (good.replacing(",\"data\":{}", with: ""), .missing),
        (good.replacing("\"data\":{}", with: "\"data_base64\":\"e30=\",\"data\":{}"), .invalid),
        (good.replacing("\"data\":{}", with: "\"data\":{},\"dataversion\":0"), .invalid),
        (good.replacing("\"data\":{}", with: "\"data\":{},\"dataversion\":1.5"), .malformed),
    ])
    func whatIsNoEventIsRefused(_ text: String, code: CloudEventError.Code) {
        let error = #expect(throws: CloudEventError.self) { try CloudEvent(json: Array(text.utf8)) }

        #expect(error?.code == code, "\(text)")
    }

    @Test func noCutTextAndNoBrokenByteCrashes() {
        let whole = Array(good.utf8)
        for length in 0..<whole.count {
            #expect(throws: CloudEventError.self) { try CloudEvent(json: Array(whole[..<length])) }
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var broken = whole
            broken[Int.random(in: 0..<broken.count, using: &generator)] = generator.next()
            _ = try? CloudEvent(json: broken)
        }
    }

    /// Half a surrogate pair before another escape once ended the process.
    @Test(arguments: [#"\ud800\u0041"#, #"\ud800\ud800"#, #"\udc00"#, #"\udbff\uffff"#])
    func halfAPairIsRefused(_ escapes: String) {
        for (old, new) in [("\"s\"", "\"\(escapes)\""), ("{}", "{\"a\":\"\(escapes)\"}")] {
            let text = good.replacing("\"subject\":\(old)", with: "\"subject\":\(new)")
                .replacing("\"data\":\(old)", with: "\"data\":\(new)")
            let error = #expect(throws: CloudEventError.self) {
                try CloudEvent(json: Array(text.utf8))
            }
            #expect(error?.code == .malformed)
        }
    }

    @Test(arguments: [
        ("2024-02-29T23:59:59.999Z", 1_709_251_199_999), ("1969-12-31T23:59:59.999Z", -1),
        ("2000-03-01T00:00:00.000Z", 951_868_800_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ("0000-01-01T00:00:00.000Z", -62_167_219_200_000),
    ])
    func timesAreWrittenAndReadAlike(_ text: String, milliseconds: Int64) throws {
        let event = CloudEvent(
            source: "/a", type: "T", subject: "s", time: milliseconds, data: Array("{}".utf8))

        let json = String(decoding: event.json(), as: UTF8.self)

        #expect(json.contains("\"\(text)\""))
        #expect(try CloudEvent(json: Array(json.utf8)).time == milliseconds)
    }
}

private let good =
    #"{"specversion":"1.0","id":"1","source":"/a","type":"T","subject":"s","#
    + #""time":"2026-11-23T16:00:00Z","data":{}}"#

@Suite(.timeLimit(.minutes(1)))
struct UUIDv7Tests {
    @Test func identifiersAreUniqueAndInOrder() {
        let made = (0..<20_000).map { _ in UUIDv7.next() }

        #expect(made == made.sorted())
        #expect(Set(made).count == made.count)
    }

    @Test func anIdentifierSaysItsVersionAndTime() throws {
        let before = SystemTime.milliseconds()

        let text = Array(UUIDv7.next())

        #expect(text.count == 36)
        #expect(text[14] == "7" && "89ab".contains(text[19]))
        let made = try #require(Int64(String(text[0..<8] + text[9..<13]), radix: 16))
        #expect(abs(made - before) < 2000)
    }
}
