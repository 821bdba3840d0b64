/// Reads numbers with units as people write them in configuration files.
enum UnitText {
    /// Longer durations are taken for slips of the pen.
    static let longest = Duration.seconds(365 * 24 * 3600)

    /// `200ms`, `5s`, `1m`, `2h`, or plain `0`.
    static func duration(_ text: String) -> Duration? {
        guard let (number, unit) = parts(text) else { return nil }
        switch unit {
        case "ms": return .milliseconds(number)
        case "s": return .seconds(number)
        case "m": return .seconds(number * 60)
        case "h": return .seconds(number * 3600)
        case "" where number == 0: return .zero
        default: return nil
        }
    }

    /// `512`, `64KiB`, `1MiB`.
    static func size(_ text: String) -> Int? {
        guard let (number, unit) = parts(text) else { return nil }
        switch unit {
        case "", "B": return number
        case "KiB": return number * 1024
        case "MiB": return number * 1024 * 1024
        case "GiB": return number * 1024 * 1024 * 1024
        default: return nil
        }
    }

    /// `20%` as 0.2, `0.5%` as 0.005; at most four digits behind the point.
    ///
    /// Whatever else `Double` reads, such as `1e-30`, is a slip of the pen; its inverse may not
    /// fit an integer.
    static func share(_ text: String) -> Double? {
        guard text.hasSuffix("%") else { return nil }
        let parts = text.dropLast().split(separator: ".", omittingEmptySubsequences: false)
        let areDigits = parts.allSatisfy {
            (1...4).contains($0.count) && $0.allSatisfy { $0.isASCII && $0.isNumber }
        }
        guard parts.count <= 2, areDigits, let percent = Double(text.dropLast()), percent <= 100
        else { return nil }
        return percent / 100
    }

    /// At most nine digits, so that no unit makes them overflow.
    private static func parts(_ text: String) -> (Int, Substring)? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard (1...9).contains(digits.count), let number = Int(digits) else { return nil }
        return (number, text[digits.endIndex...])
    }
}
