extension Duration {
    /// Beyond that Redis refuses times to live, and sums with the clock's time could overflow.
    private static let secondsMaximum: Int64 = 10_000_000_000
    /// What 64 bits of nanoseconds can say, less some years for sums.
    private static let secondsOfNanoseconds: Int64 = 9_000_000_000

    /// In milliseconds, cut to some three centuries.
    package var milliseconds: Int {
        let seconds = min(max(components.seconds, -Self.secondsMaximum), Self.secondsMaximum)
        return Int(seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }

    /// In nanoseconds, cut to 285 years.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let limit = Self.secondsOfNanoseconds
        guard seconds < limit else { return limit * 1_000_000_000 }
        guard seconds > -limit else { return -limit * 1_000_000_000 }
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// From one second to some three centuries.
    package var wholeSeconds: Int { Int(min(max(components.seconds, 1), Self.secondsMaximum)) }
}
