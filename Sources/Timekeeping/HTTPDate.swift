/// Dates as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// The two obsolete forms are read too (RFC 9110 section 5.6.7); widths are fixed in all three.
///
///     Sun, 06 Nov 1994 08:49:37 GMT      the one that is written
///     Sunday, 06-Nov-94 08:49:37 GMT     RFC 850
///     Sun Nov  6 08:49:37 1994           asctime
///
/// Whether the day of the week is the right one is not checked.
package enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    /// Years 0000 to 9999, the ones that four digits can say.
    private static let range: ClosedRange<Int64> = -62_167_219_200...253_402_300_799

    /// The text of a time in seconds since 1970, or of the nearest one that has a text.
    package static func text(_ seconds: Int64) -> String {
        let moment = Int(min(max(seconds, range.lowerBound), range.upperBound))
        let day = (moment >= 0 ? moment : moment - 86_399) / 86_400
        let rest = moment - day * 86_400
        let date = CivilDate(dayNumber: day)
        let clock = [rest / 3600, rest / 60 % 60, rest % 60].map { digits($0, 2) }
        return "\(days[(day % 7 + 7) % 7]), \(digits(date.day, 2)) \(months[date.month - 1]) "
            + "\(digits(date.year, 4)) \(clock.joined(separator: ":")) GMT"
    }

    /// The seconds since 1970 of a date in any of the three forms.
    ///
    /// A leap second is read as the second before it.
    package static func seconds(_ text: String) -> Int64? {
        var text = text
        return text.withUTF8 { bytes in
            var reader = TimeReader(bytes)
            let letters = reader.letters()
            if letters == 3, reader.skip(", ") { return fixdate(&reader) }
            if letters == 3, reader.skip(" ") { return asctime(&reader) }
            return (6...9).contains(letters) && reader.skip(", ") ? rfc850(&reader) : nil
        }
    }

    private static func fixdate(_ reader: inout TimeReader) -> Int64? {
        guard let day = reader.number(2), reader.skip(" "), let month = month(&reader),
            reader.skip(" "), let year = reader.number(4), reader.skip(" "),
            let second = reader.secondOfDay(), reader.skip(" GMT"), reader.isAtEnd
        else { return nil }
        return seconds(CivilDate(year: year, month: month, day: day), second)
    }

    /// Years of two digits run from 1970, which is what "expired long ago" is written as, to 2069.
    private static func rfc850(_ reader: inout TimeReader) -> Int64? {
        guard let day = reader.number(2), reader.skip("-"), let month = month(&reader),
            reader.skip("-"), let year = reader.number(2), reader.skip(" "),
            let second = reader.secondOfDay(), reader.skip(" GMT"), reader.isAtEnd
        else { return nil }
        let century = year < 70 ? 2000 : 1900
        return seconds(CivilDate(year: century + year, month: month, day: day), second)
    }

    /// A day of one digit has a space before it.
    private static func asctime(_ reader: inout TimeReader) -> Int64? {
        guard let month = month(&reader), reader.skip(" "),
            let day = reader.number(reader.skip(" ") ? 1 : 2), reader.skip(" "),
            let second = reader.secondOfDay(), reader.skip(" "), let year = reader.number(4),
            reader.isAtEnd
        else { return nil }
        return seconds(CivilDate(year: year, month: month, day: day), second)
    }

    private static func month(_ reader: inout TimeReader) -> Int? {
        (1...12).first { reader.skip(months[$0 - 1]) }
    }

    private static func seconds(_ date: CivilDate?, _ second: Int) -> Int64? {
        date.map { Int64($0.dayNumber * 86_400 + second) }
    }

    private static func digits(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: width - text.utf8.count) + text
    }
}
