/// The ID of a stream's entry: milliseconds of the server's clock, and a sequence within them.
public struct StreamID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// When the server took the entry, in milliseconds since 1970.
    public var milliseconds: UInt64
    /// Its place among those of the same millisecond.
    public var sequence: UInt64

    /// An ID of its parts.
    public init(milliseconds: UInt64, sequence: UInt64 = 0) {
        self.milliseconds = milliseconds
        self.sequence = sequence
    }

    /// Reads `1700000000000-3`; without a sequence, 0 is meant.
    public init?(_ text: String) {
        let parts = text.split(
            separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let milliseconds = UInt64(first) else { return nil }
        guard parts.count == 2 else {
            self.init(milliseconds: milliseconds)
            return
        }
        guard let sequence = UInt64(parts[1]) else { return nil }
        self.init(milliseconds: milliseconds, sequence: sequence)
    }

    /// The last one that there can be.
    public static let last = StreamID(milliseconds: .max, sequence: .max)

    /// The last one before it.
    public var predecessor: StreamID {
        if sequence > 0 { return StreamID(milliseconds: milliseconds, sequence: sequence - 1) }
        guard milliseconds > 0 else { return self }
        return StreamID(milliseconds: milliseconds - 1, sequence: .max)
    }

    /// As Redis writes it.
    public var description: String { "\(milliseconds)-\(sequence)" }

    /// In the order of the stream.
    public static func < (left: StreamID, right: StreamID) -> Bool {
        (left.milliseconds, left.sequence) < (right.milliseconds, right.sequence)
    }
}
