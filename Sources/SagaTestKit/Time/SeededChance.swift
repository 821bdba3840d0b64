package import Saga
import Synchronization

/// Jitter and IDs that a seed decides.
package final class SeededChance: SagaChance {
    private struct State {
        var random: SeededRandom
        var count = 0
    }

    private let clock: any SagaClock
    private let state: Mutex<State>

    package init(seed: UInt64, clock: any SagaClock) {
        self.clock = clock
        state = Mutex(State(random: SeededRandom(seed: seed)))
    }

    package func fraction() -> Double { state.withLock { $0.random.fraction() } }

    /// A UUIDv7 of the clock's time whose random part counts up.
    package func eventID() -> String {
        let time = UInt64(clamping: clock.wallMilliseconds)
        let number = state.withLock { state in
            state.count += 1
            return state.count
        }
        let head = Self.hex(time, digits: 12)
        let tail = Self.hex(UInt64(number), digits: 12)
        return "\(head.prefix(8))-\(head.suffix(4))-7000-8000-\(tail)"
    }

    private static func hex(_ number: UInt64, digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text.suffix(digits)
    }
}
