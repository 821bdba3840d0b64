import Testing
import Timekeeping

@Suite(.timeLimit(.minutes(1)))
struct HTTPDateTests {
    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT"),
        (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (1_798_761_600, "Fri, 01 Jan 2027 00:00:00 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"), (-86_400, "Wed, 31 Dec 1969 00:00:00 GMT"),
        (-2_203_891_200, "Thu, 01 Mar 1900 00:00:00 GMT"),
        (-62_167_219_200, "Sat, 01 Jan 0000 00:00:00 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ])
    func datesAreWrittenAndReadAlike(seconds: Int64, text: String) {
        #expect(HTTPDate.text(seconds) == text)
        #expect(HTTPDate.seconds(text) == seconds)
    }

    @Test func momentsOutsideTheCalendarAreClamped() {
        #expect(HTTPDate.text(.max) == "Fri, 31 Dec 9999 23:59:59 GMT")
        #expect(HTTPDate.text(.min) == "Sat, 01 Jan 0000 00:00:00 GMT")
    }

    @Test(arguments: [
        "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun Nov 06 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 GMT",
    ])
    func allThreeFormsAreRead(text: String) {
        #expect(HTTPDate.seconds(text) == 784_111_777)
    }

    @Test(arguments: [
        ("Thursday, 01-Jan-70 00:00:00 GMT", 0), ("Tuesday, 31-Dec-69 23:59:59 GMT", 3_155_759_999),
    ])
    func yearsOfTwoDigitsBeginWith1970(text: String, seconds: Int64) {
        #expect(HTTPDate.seconds(text) == seconds)
    }

    @Test(arguments: ["Fri, 30 Jun 1972 23:59:60 GMT", "Friday, 30-Jun-72 23:59:60 GMT"])
    func aLeapSecondIsTheOneBeforeIt(text: String) {
        #expect(HTTPDate.seconds(text) == 78_796_799)
    }

    @Test(arguments: [
        "", "0", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun,  06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 24:49:37 GMT",
        "06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 94", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT", "Tue, 29 Feb 2100 00:00:00 GMT",
        "Tuesday, 31-Feb-94 08:49:37 GMT", "Wed Feb 30 08:49:37 1994", "Sun Nov  0 08:49:37 1994",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ",
    ])
    func otherTextIsRefused(text: String) {
        #expect(HTTPDate.seconds(text) == nil)
    }

    @Test func noCutTextAndNoBrokenByteCrashes() {
        let texts = ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        for whole in texts.map({ Array($0.utf8) }) {
            for length in 0..<whole.count {
                #expect(HTTPDate.seconds(String(decoding: whole[..<length], as: UTF8.self)) == nil)
            }
            var generator = SystemRandomNumberGenerator()
            for _ in 0..<5_000 {
                var broken = whole
                broken[Int.random(in: 0..<broken.count, using: &generator)] = generator.next()
                guard
                    let seconds = HTTPDate.seconds(String(decoding: broken, as: UTF8.self))
                else { continue }
                #expect(HTTPDate.seconds(HTTPDate.text(seconds)) == seconds)
            }
        }
    }
}
