/// Dates as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// The two obsolete forms are read too (RFC 9110 section 5.6.7); widths are fixed in all three.
///
///     Sun, 06 Nov 1994 08:49:37 GMT      the one that is written
///     Sunday, 06-Nov-94 08:49:37 GMT     RFC 850
///     Sun Nov  6 08:49:37 1994           asctime
enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The text of a time in seconds since 1970.
    static func text(_ seconds: Int64) -> String {
        let day = Int(seconds / 86_400)
        let inDay = Int(seconds % 86_400)
        let date = civil(day)
        let clock = [inDay / 3600, inDay / 60 % 60, inDay % 60].map(twoDigits)
        return "\(days[day % 7]), \(twoDigits(date.day)) \(months[date.month - 1]) \(date.year) "
            + clock.joined(separator: ":") + " GMT"
    }

    /// The seconds since 1970 of a date in any of the three forms.
    static func seconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        if bytes.count == 29, bytes[3] == UInt8(ascii: ",") {
            return seconds(bytes, "???, dd NNN yyyy hh:mm:ss GMT")
        }
        if bytes.count == 24 { return seconds(bytes, "??? NNN dd hh:mm:ss yyyy") }
        guard let comma = bytes.firstIndex(of: UInt8(ascii: ",")), (6...9).contains(comma),
            bytes[..<comma].allSatisfy({ ByteClass.lowercased($0) &- 0x61 < 26 })
        else { return nil }
        return seconds(Array(bytes[comma...]), ", dd-NNN-yy hh:mm:ss GMT")
    }

    /// Reads a date by its form: small letters stand for numbers, `N` for the month, `?` for a
    /// letter of the weekday, everything else for itself.
    private static func seconds(_ bytes: [UInt8], _ form: StaticString) -> Int64? {
        guard bytes.count == form.utf8CodeUnitCount else { return nil }
        var numbers: [UInt8: Int] = [:]
        var month: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            let expected = form.utf8Start[index]
            switch expected {
            case UInt8(ascii: "?"):
                guard ByteClass.lowercased(byte) &- 0x61 < 26 else { return nil }
            case UInt8(ascii: "N"): month.append(byte)
            case UInt8(ascii: "d"), UInt8(ascii: "y"), UInt8(ascii: "h"), UInt8(ascii: "m"),
                UInt8(ascii: "s"):
                // A day of one digit has a space before it in asctime's form.
                let isPadding =
                    byte == 0x20 && expected == UInt8(ascii: "d") && numbers[expected] == nil
                    && form.utf8Start[3] == 0x20
                guard isPadding || byte &- 0x30 < 10 else { return nil }
                numbers[expected, default: 0] *= 10
                numbers[expected, default: 0] += isPadding ? 0 : Int(byte &- 0x30)
            default:
                guard byte == expected else { return nil }
            }
        }
        return seconds(numbers, month: String(decoding: month, as: UTF8.self))
    }

    private static func seconds(_ numbers: [UInt8: Int], month name: String) -> Int64? {
        guard let month = months.firstIndex(of: name), let day = numbers[UInt8(ascii: "d")],
            var year = numbers[UInt8(ascii: "y")], let hour = numbers[UInt8(ascii: "h")],
            let minute = numbers[UInt8(ascii: "m")], let second = numbers[UInt8(ascii: "s")]
        else { return nil }
        if year < 100 { year += year < 70 ? 2000 : 1900 }
        guard (1...31).contains(day), (1970...9999).contains(year), hour < 24, minute < 60,
            second <= 60
        else { return nil }
        let days = daysSince1970(year: year, month: month + 1, day: day)
        return Int64(days * 86_400 + hour * 3600 + minute * 60 + second)
    }

    private static func twoDigits(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }

    /// Days since 1970 of a Gregorian date.
    ///
    /// Years begin in March here, so that the leap day is a year's last.
    private static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
        let marchYear = month > 2 ? year : year - 1
        let marchMonth = (month + 9) % 12
        let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
        let leapDays = marchYear / 4 - marchYear / 100 + marchYear / 400
        return marchYear * 365 + leapDays + dayOfYear - 719_468
    }

    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        var year = 1970 + days / 366
        while daysSince1970(year: year + 1, month: 1, day: 1) <= days { year += 1 }
        var month = 12
        while daysSince1970(year: year, month: month, day: 1) > days { month -= 1 }
        return (year, month, days - daysSince1970(year: year, month: month, day: 1) + 1)
    }
}
