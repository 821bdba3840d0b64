import Saga
import Synchronization
import Timekeeping

/// What happened in a simulation, a line each: the same for the same seed.
package final class SimulationTrace: Sendable {
    private let clock: VirtualClock
    private let lines = Mutex<[String]>([])
    private let isKept: Bool

    init(clock: VirtualClock, isKept: Bool) {
        self.clock = clock
        self.isKept = isKept
    }

    /// All lines.
    package var text: String { lines.withLock { $0.joined(separator: "\n") } }

    /// Adds a line, with the time since the beginning in seconds.
    package func note(_ text: @autoclosure () -> String) {
        guard isKept else { return }
        let time = clock.elapsed.milliseconds
        let fraction = String(time % 1000)
        let padded = String(repeating: "0", count: 3 - fraction.count) + fraction
        let line = "\(time / 1000).\(padded) \(text())"
        lines.withLock { $0.append(line) }
    }
}
