#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A moment in UTC with the precision of a millisecond, written as RFC 3339 text.
///
/// Its text always has 24 characters (`2026-11-22T09:30:00.125Z`), so texts sort as moments do.
/// Years run from 0000 to 9999; what lies outside is written as the nearest of both ends.
public struct Timestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    public var milliseconds: Int64

    /// The moment that many milliseconds after the start of 1970.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// The system clock's present reading.
    public static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(
            milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// Earlier moments come first.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// The RFC 3339 text, always in UTC and with three decimals.
    public var description: String {
        String(unsafeUninitializedCapacity: 24) { text in
            write(into: text)
            return 24
        }
    }

    /// Reads exactly the form that ``description`` writes; nil for every other text.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 24 else { return nil }
        let separators: [(Int, UInt8)] = [
            (4, 0x2D), (7, 0x2D), (10, 0x54), (13, 0x3A), (16, 0x3A), (19, 0x2E), (23, 0x5A),
        ]
        guard separators.allSatisfy({ bytes[$0.0] == $0.1 }) else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[range] {
                guard byte >= 0x30, byte <= 0x39 else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16),
            let second = number(17..<19), let fraction = number(20..<23),
            hour < 24, minute < 60, second < 60, (1...12).contains(month)
        else { return nil }
        let days = Self.days(year: year, month: month, day: day)
        self.milliseconds = ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + fraction
        // A day that the month does not have comes back as another one.
        guard description == text else { return nil }
    }

    // MARK: - Calendar

    // Days are counted in eras of 400 years that begin on March 1st, so that the leap day is
    // the last day of a year and every era has the same 146,097 days.

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private func write(into text: UnsafeMutableBufferPointer<UInt8>) {
        let clamped = min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_999)
        let perDay: Int64 = 86_400_000
        let days = clamped >= 0 ? clamped / perDay : (clamped - perDay + 1) / perDay
        let rest = clamped - days * perDay
        let (year, month, day) = Self.date(days: days)

        func put(_ value: Int64, at start: Int, digits: Int, then separator: UInt8) {
            var value = value
            for index in stride(from: start + digits - 1, through: start, by: -1) {
                text[index] = 0x30 + UInt8(value % 10)
                value /= 10
            }
            text[start + digits] = separator
        }
        put(year, at: 0, digits: 4, then: 0x2D)
        put(month, at: 5, digits: 2, then: 0x2D)
        put(day, at: 8, digits: 2, then: 0x54)
        put(rest / 3_600_000, at: 11, digits: 2, then: 0x3A)
        put(rest / 60_000 % 60, at: 14, digits: 2, then: 0x3A)
        put(rest / 1000 % 60, at: 17, digits: 2, then: 0x2E)
        put(rest % 1000, at: 20, digits: 3, then: 0x5A)
    }
}
