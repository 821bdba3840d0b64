#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The wall clock in the unit of events.
public enum SystemTime {
    /// Milliseconds since 1970, now.
    public static func milliseconds() -> Int64 {
        Int64((Date().timeIntervalSince1970 * 1000).rounded(.down))
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-11-23T16:20:00.125Z`.
///
/// Days are turned into dates by counting years from March, so that the leap day is the last
/// of its year and every month's first day is a linear function of the month.
enum EventTime {
    /// Years 0000 to 9999, the ones that four digits can say.
    static let range: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

    static func append(_ milliseconds: Int64, to text: inout [UInt8]) {
        let moment = min(max(milliseconds, range.lowerBound), range.upperBound)
        let day = floorDivide(moment, 86_400_000)
        let rest = Int(moment - day * 86_400_000)
        let date = date(ofDay: Int(day))
        append(date.year, digits: 4, then: UInt8(ascii: "-"), to: &text)
        append(date.month, digits: 2, then: UInt8(ascii: "-"), to: &text)
        append(date.day, digits: 2, then: UInt8(ascii: "T"), to: &text)
        append(rest / 3_600_000, digits: 2, then: UInt8(ascii: ":"), to: &text)
        append(rest / 60_000 % 60, digits: 2, then: UInt8(ascii: ":"), to: &text)
        append(rest / 1000 % 60, digits: 2, then: UInt8(ascii: "."), to: &text)
        append(rest % 1000, digits: 3, then: UInt8(ascii: "Z"), to: &text)
    }

    /// Takes any RFC 3339 time: other offsets, any number of fractional digits.
    static func milliseconds(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        var reader = Reader(text: text)
        guard let year = reader.number(4, then: "-"), let month = reader.number(2, then: "-"),
            let day = reader.number(2, then: nil), reader.skip("T") || reader.skip("t"),
            let hour = reader.number(2, then: ":"), let minute = reader.number(2, then: ":"),
            let second = reader.number(2, then: nil), let fraction = reader.fraction(),
            let offset = reader.offset(), reader.next == nil,
            (1...12).contains(month), day >= 1, day <= days(inMonth: month, of: year),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        let minutes = (dayNumber(year: year, month: month, day: day) * 24 + hour) * 60 + minute
        return Int64((minutes - offset) * 60 + min(second, 59)) * 1000 + Int64(fraction)
    }

    private struct Reader {
        let text: UnsafeBufferPointer<UInt8>
        private var position = 0

        init(text: UnsafeBufferPointer<UInt8>) {
            self.text = text
        }

        var next: UInt8? { position < text.count ? text[position] : nil }

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard next == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }

        mutating func number(_ digits: Int, then end: Unicode.Scalar?) -> Int? {
            var number = 0
            for _ in 0..<digits {
                guard let byte = next, byte >= 0x30, byte <= 0x39 else { return nil }
                number = number * 10 + Int(byte - 0x30)
                position += 1
            }
            if let end, !skip(end) { return nil }
            return number
        }

        /// Milliseconds after the second; further digits are cut off.
        mutating func fraction() -> Int? {
            guard skip(".") else { return 0 }
            var milliseconds = 0
            var digits = 0
            while let byte = next, byte >= 0x30, byte <= 0x39 {
                if digits < 3 { milliseconds = milliseconds * 10 + Int(byte - 0x30) }
                digits += 1
                position += 1
            }
            guard digits > 0 else { return nil }
            while digits < 3 {
                milliseconds *= 10
                digits += 1
            }
            return milliseconds
        }

        /// Minutes east of Greenwich.
        mutating func offset() -> Int? {
            if skip("Z") || skip("z") { return 0 }
            let east = skip("+")
            guard east || skip("-"), let hours = number(2, then: ":"),
                let minutes = number(2, then: nil), hours < 24, minutes < 60
            else { return nil }
            return (hours * 60 + minutes) * (east ? 1 : -1)
        }
    }

    private static func append(_ number: Int, digits: Int, then end: UInt8, to text: inout [UInt8])
    {
        var scale = 1
        for _ in 1..<digits { scale *= 10 }
        while scale > 0 {
            text.append(UInt8(0x30 + number / scale % 10))
            scale /= 10
        }
        text.append(end)
    }

    private static func floorDivide(_ value: Int64, _ by: Int64) -> Int64 {
        value >= 0 ? value / by : -((by - 1 - value) / by)
    }

    /// Days from 1970-01-01; a cycle of 400 years has 146,097 of them.
    private static func dayNumber(year: Int, month: Int, day: Int) -> Int {
        let marchYear = month > 2 ? year : year - 1
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let cycle = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfCycle = marchYear - cycle * 400
        let dayOfCycle = yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100 + dayOfYear
        return cycle * 146_097 + dayOfCycle - 719_468
    }

    private static func date(ofDay number: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = number + 719_468
        let cycle = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfCycle = shifted - cycle * 146_097
        let leaps = dayOfCycle / 1460 - dayOfCycle / 36_524 + dayOfCycle / 146_096
        let yearOfCycle = (dayOfCycle - leaps) / 365
        let dayOfYear = dayOfCycle - (yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
