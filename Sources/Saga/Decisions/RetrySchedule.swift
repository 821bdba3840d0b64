/// When to try again: exponential backoff with full jitter, and a limit on the time spent.
///
/// Full jitter, any time up to the bound rather than around it, because what fails together
/// would otherwise come back together. The floor keeps a fast failure from becoming a storm.
public struct RetrySchedule: Hashable, Sendable {
    /// The shortest pause before another try.
    public var pauseMinimum: Duration
    /// The longest pause before another try.
    public var pauseMaximum: Duration

    /// Makes a schedule.
    public init(
        pauseMinimum: Duration = .milliseconds(20), pauseMaximum: Duration = .seconds(2)
    ) {
        self.pauseMinimum = pauseMinimum
        self.pauseMaximum = pauseMaximum
    }

    /// The pause after the `attempt`-th try failed; `random` lies between 0 and 1.
    package func pause(after attempt: Int, random: Double) -> Duration {
        let bound = min(pauseMinimum * Double(1 << min(attempt, 30)), pauseMaximum)
        return max(pauseMinimum, bound * random)
    }
}
