import Timekeeping

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

#if canImport(Darwin)
    // Runs on while the machine sleeps.
    private let clockThatNeverStops = CLOCK_MONOTONIC
#else
    // CLOCK_MONOTONIC stands still while the machine sleeps, and an answer kept would not age.
    private let clockThatNeverStops = CLOCK_BOOTTIME
#endif

/// A time on this machine's monotonic clock, which runs on while it sleeps, in nanoseconds.
public struct Moment: Hashable, Comparable, Sendable {
    /// Nanoseconds since some start that only this machine knows.
    public var nanoseconds: Int64

    /// A time counted from the clock's start.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The present.
    public static func now() -> Moment {
        var time = timespec()
        clock_gettime(clockThatNeverStops, &time)
        return Moment(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Before every time that a clock shows.
    public static let earliest = Moment(nanoseconds: .min)
    /// After every time that a clock shows.
    public static let latest = Moment(nanoseconds: .max)

    /// Whether one time lies before another.
    public static func < (left: Moment, right: Moment) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// A time some way after this one.
    public static func + (moment: Moment, duration: Duration) -> Moment {
        Moment(nanoseconds: moment.nanoseconds + duration.nanoseconds)
    }

    /// A time some way before this one.
    public static func - (moment: Moment, duration: Duration) -> Moment {
        Moment(nanoseconds: moment.nanoseconds - duration.nanoseconds)
    }

    /// The time from one moment to another.
    public static func - (later: Moment, earlier: Moment) -> Duration {
        .nanoseconds(later.nanoseconds - earlier.nanoseconds)
    }
}
