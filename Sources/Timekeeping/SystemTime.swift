#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The wall clock of this machine, which somebody may set.
public enum SystemTime {
    /// Milliseconds since 1970, now.
    public static func milliseconds() -> Int64 {
        let time = read()
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Seconds since 1970, now.
    package static func seconds() -> Int64 { Int64(read().tv_sec) }

    /// The time since 1970, now, as exactly as the clock tells.
    package static func sinceEpoch() -> Duration {
        let time = read()
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }

    private static func read() -> timespec {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time
    }
}
