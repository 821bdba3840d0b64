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
        Timestamp(milliseconds: SystemTime.milliseconds())
    }

    /// Earlier moments come first.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// The RFC 3339 text, always in UTC and with three decimals.
    public var description: String {
        String(unsafeUninitializedCapacity: Self.length) { text in
            write(into: text)
            return Self.length
        }
    }

    /// Reads exactly the form that ``description`` writes; nil for every other text.
    public init?(_ text: String) {
        var text = text
        let moment = text.withUTF8 { bytes -> Timestamp? in
            // A leap second is written by others, never by us.
            guard bytes.count == Self.length, bytes[10] == UInt8(ascii: "T"),
                bytes[17] != UInt8(ascii: "6"), bytes[19] == UInt8(ascii: "."),
                bytes[23] == UInt8(ascii: "Z")
            else { return nil }
            return Timestamp(rfc3339: bytes)
        }
        guard let moment else { return nil }
        self = moment
    }

    /// Reads any RFC 3339 time: other offsets, any number of decimals, of which three count.
    ///
    /// A leap second is read as the second before it, so that it stays in its minute.
    package init?(rfc3339 text: UnsafeBufferPointer<UInt8>) {
        var reader = TimeReader(text)
        guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2),
            reader.skip("-"), let day = reader.number(2), reader.skip("T") || reader.skip("t"),
            let second = reader.secondOfDay(), let fraction = reader.fraction(),
            let offset = reader.offset(), reader.isAtEnd,
            let date = CivilDate(year: year, month: month, day: day)
        else { return nil }
        let seconds = date.dayNumber * 86_400 + second - offset * 60
        milliseconds = Int64(seconds) * 1000 + Int64(fraction)
    }

    /// Adds the RFC 3339 text.
    package func append(to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.length) { text in
            write(into: text)
            bytes.append(contentsOf: text)
        }
    }

    // MARK: - Text

    private static let length = 24
    /// Years 0000 to 9999, the ones that four digits can say.
    private static let range: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

    private func write(into text: UnsafeMutableBufferPointer<UInt8>) {
        let moment = min(max(milliseconds, Self.range.lowerBound), Self.range.upperBound)
        let days = (moment >= 0 ? moment : moment - 86_399_999) / 86_400_000
        let rest = Int(moment - days * 86_400_000)
        let date = CivilDate(dayNumber: Int(days))

        func put(_ value: Int, at start: Int, digits: Int, then separator: UInt8) {
            var value = value
            for index in stride(from: start + digits - 1, through: start, by: -1) {
                text[index] = 0x30 + UInt8(value % 10)
                value /= 10
            }
            text[start + digits] = separator
        }
        put(date.year, at: 0, digits: 4, then: UInt8(ascii: "-"))
        put(date.month, at: 5, digits: 2, then: UInt8(ascii: "-"))
        put(date.day, at: 8, digits: 2, then: UInt8(ascii: "T"))
        put(rest / 3_600_000, at: 11, digits: 2, then: UInt8(ascii: ":"))
        put(rest / 60_000 % 60, at: 14, digits: 2, then: UInt8(ascii: ":"))
        put(rest / 1000 % 60, at: 17, digits: 2, then: UInt8(ascii: "."))
        put(rest % 1000, at: 20, digits: 3, then: UInt8(ascii: "Z"))
    }
}
