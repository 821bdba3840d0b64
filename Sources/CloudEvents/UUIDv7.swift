import Synchronization
import Timekeeping

/// Identifiers that sort by the time they were made (RFC 9562, version 7).
///
///     0          48   52            64  66                    128
///     | unix ms  | 7  | counter     | 10 | random             |
///
/// Within a millisecond a 12-bit counter, starting at a random value below its half, keeps
/// the IDs of one process in order; if it runs over, the millisecond is advanced.
public enum UUIDv7 {
    private struct Last {
        var milliseconds: UInt64 = 0
        var counter: UInt64 = 0
        var random = RandomPool()
    }

    private static let last = Mutex(Last())

    /// A new identifier, after every earlier one of this process.
    public static func next() -> String {
        let now = UInt64(max(SystemTime.milliseconds(), 0))
        let (milliseconds, counter, random) = last.withLock { last in
            let random = last.random.next()
            last.counter += 1
            if now > last.milliseconds {
                last.milliseconds = now
                last.counter = random >> 53
            } else if last.counter > 0xFFF {
                last.milliseconds += 1
                last.counter = random >> 53
            }
            return (last.milliseconds, last.counter, random)
        }
        let high = milliseconds << 16 | 0x7000 | counter
        let low = 0x8000_0000_0000_0000 | random & 0x3FFF_FFFF_FFFF_FFFF
        return text(high, low)
    }

    /// When an identifier was made, in milliseconds since 1970; nil if it is none of version 7.
    public static func milliseconds(of id: String) -> Int64? {
        let digits = id.utf8.filter { $0 != 0x2D }
        guard digits.count == 32, digits[12] == 0x37 else { return nil }
        return Int64(String(decoding: digits.prefix(12), as: UTF8.self), radix: 16)
    }

    private static func text(_ high: UInt64, _ low: UInt64) -> String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            var at = 0
            for digit in 0..<32 {
                if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
                    buffer[at] = UInt8(ascii: "-")
                    at += 1
                }
                let word = digit < 16 ? high : low
                let value = UInt8(truncatingIfNeeded: word >> UInt64(60 - digit % 16 * 4)) & 15
                buffer[at] = hexadecimalDigit(value)
                at += 1
            }
            return at
        }
    }

    private static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 + value : 0x57 + value
    }
}
