import Testing
import Timekeeping

@Suite(.timeLimit(.minutes(1)))
struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_799_999, "2000-02-29T23:59:59.999Z"),
        (1_709_164_800_123, "2024-02-29T00:00:00.123Z"),
        (1_795_392_000_000, "2026-11-23T00:00:00.000Z"),
        (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
    ])
    func textIsRFC3339(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
        #expect(Timestamp(text)?.milliseconds == milliseconds)
    }

    @Test func momentsOutsideTheCalendarAreClamped() {
        #expect(Timestamp(milliseconds: .max).description == "9999-12-31T23:59:59.999Z")
        #expect(Timestamp(milliseconds: .min).description == "0000-01-01T00:00:00.000Z")
    }

    @Test func everyMomentSurvivesItsText() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<10_000 {
            let moment = Timestamp(
                milliseconds: .random(in: -62_167_219_200_000...253_402_300_799_999, using: &random)
            )
            #expect(Timestamp(moment.description) == moment)
        }
    }

    @Test(arguments: [
        "", "2026-11-23", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00.000+01:00",
        "2026-02-29T00:00:00.000Z", "2026-13-01T00:00:00.000Z", "2026-00-01T00:00:00.000Z",
        "2026-01-00T00:00:00.000Z", "2026-01-01T24:00:00.000Z", "2026-01-01T00:60:00.000Z",
        "2026-01-01T00:00:60.000Z", "2026-01-01t00:00:00.000Z", "2026-01-01 00:00:00.000Z",
        "+026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.00éZ",
    ])
    func otherTextIsRefused(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test(arguments: [
        ("2026-11-23T16:20:00Z", 1_795_450_800_000), ("2026-11-23t16:20:00z", 1_795_450_800_000),
        ("2026-11-23T17:20:00.5+01:00", 1_795_450_800_500),
        ("2026-11-23T10:50:00.1259999-05:30", 1_795_450_800_125),
        ("1972-06-30T23:59:60Z", 78_796_799_000), ("1972-07-01T01:59:60.25+02:00", 78_796_799_250),
        ("0000-01-01T00:00:00+23:59", -62_167_219_200_000 - 86_340_000),
    ])
    func everyFormOfRFC3339IsRead(text: String, milliseconds: Int64) {
        #expect(read(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "2026-11-23", "2026-11-23T16:20Z", "2026-11-23T16:20:00", "2026-11-23T16:20:00.Z",
        "2026-11-31T16:20:00Z", "2026-02-29T16:20:00Z", "2026-11-23T24:20:00Z",
        "2026-11-23T16:20:61Z", "2026-11-23T16:20:00+24:00", "2026-11-23T16:20:00+01",
        "2026-11-23T16:20:00Z ", "2026-11-23 16:20:00Z", "26-11-23T16:20:00Z",
    ])
    func whatIsNotRFC3339IsRefused(text: String) {
        #expect(read(text) == nil)
    }

    @Test func addedTextIsTheDescription() {
        var bytes = Array("at ".utf8)
        let moment = Timestamp(milliseconds: 1_790_000_000_123)

        moment.append(to: &bytes)

        #expect(String(decoding: bytes, as: UTF8.self) == "at \(moment)")
    }

    @Test func nowLiesWithinThisCentury() {
        #expect(Timestamp.now() > Timestamp(milliseconds: 1_700_000_000_000))
        #expect(Timestamp.now().description.hasPrefix("20"))
    }

    private func read(_ text: String) -> Timestamp? {
        var text = text
        return text.withUTF8 { Timestamp(rfc3339: $0) }
    }
}
