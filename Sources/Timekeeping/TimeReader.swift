/// Walks over a written time: numbers of a fixed width and what stands between them.
struct TimeReader {
    private let text: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(_ text: UnsafeBufferPointer<UInt8>) {
        self.text = text
    }

    var isAtEnd: Bool { position == text.count }

    private var next: UInt8? { position < text.count ? text[position] : nil }

    mutating func skip(_ expected: StaticString) -> Bool {
        let length = expected.utf8CodeUnitCount
        guard length <= text.count - position else { return false }
        for offset in 0..<length where text[position + offset] != expected.utf8Start[offset] {
            return false
        }
        position += length
        return true
    }

    /// A number of exactly so many digits.
    mutating func number(_ digits: Int) -> Int? {
        var number = 0
        for _ in 0..<digits {
            guard let byte = next, byte &- 0x30 < 10 else { return nil }
            number = number * 10 + Int(byte - 0x30)
            position += 1
        }
        return number
    }

    /// Steps over ASCII letters and says how many there were.
    mutating func letters() -> Int {
        let start = position
        while let byte = next, (byte | 0x20) &- 0x61 < 26 { position += 1 }
        return position - start
    }

    /// `hh:mm:ss` in seconds since midnight; a leap second is the one before it.
    mutating func secondOfDay() -> Int? {
        guard let hour = number(2), skip(":"), let minute = number(2), skip(":"),
            let second = number(2), hour < 24, minute < 60, second <= 60
        else { return nil }
        return (hour * 60 + minute) * 60 + min(second, 59)
    }

    /// Milliseconds after the second; further digits are cut off.
    mutating func fraction() -> Int? {
        guard skip(".") else { return 0 }
        var milliseconds = 0
        var digits = 0
        while let byte = next, byte &- 0x30 < 10 {
            if digits < 3 { milliseconds = milliseconds * 10 + Int(byte - 0x30) }
            digits += 1
            position += 1
        }
        guard digits > 0 else { return nil }
        for _ in min(digits, 3)..<3 { milliseconds *= 10 }
        return milliseconds
    }

    /// Minutes east of Greenwich.
    mutating func offset() -> Int? {
        if skip("Z") || skip("z") { return 0 }
        let isEast = skip("+")
        guard isEast || skip("-"), let hours = number(2), skip(":"), let minutes = number(2),
            hours < 24, minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (isEast ? 1 : -1)
    }
}
