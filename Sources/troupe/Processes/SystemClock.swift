#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The wall clock of this machine.
enum SystemClock {
    static func sinceEpoch() -> Duration {
        .microseconds(Int64(Date().timeIntervalSince1970 * 1_000_000))
    }
}
