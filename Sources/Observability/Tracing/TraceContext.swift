//   traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
//                |  |                                |                |
//           version trace ID (16 bytes)       span ID (8 bytes)    flags (bit 0: sampled)
//
// W3C Trace Context, level 1. Lower-case hexadecimal only; an ID of zeros and version `ff` are
// invalid. Version 00 has exactly 55 characters; a later version may add fields after a dash,
// which are ignored. `tracestate` is not carried.

/// Where a request stands in a distributed trace.
public struct TraceContext: Sendable, Hashable, CustomStringConvertible {
    private let traceHigh: UInt64
    private let traceLow: UInt64
    private let span: UInt64
    private let flags: UInt8

    /// The first context of a new trace, with random IDs.
    public init(sampled: Bool = true) {
        self.traceHigh = .random(in: 1 ... .max)
        self.traceLow = .random(in: 1 ... .max)
        self.span = .random(in: 1 ... .max)
        self.flags = sampled ? 1 : 0
    }

    private init(traceHigh: UInt64, traceLow: UInt64, span: UInt64, flags: UInt8) {
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.span = span
        self.flags = flags
    }

    /// Reads a `traceparent` value strictly; nil for everything the standard calls invalid.
    public init?(traceparent: some StringProtocol) {
        let bytes = Array(traceparent.utf8.prefix(512))
        guard bytes.count >= 55, bytes[2] == 0x2D, bytes[35] == 0x2D, bytes[52] == 0x2D,
            let version = Self.hexadecimal(bytes[0..<2]), version != 0xFF,
            let high = Self.hexadecimal(bytes[3..<19]),
            let low = Self.hexadecimal(bytes[19..<35]),
            let span = Self.hexadecimal(bytes[36..<52]),
            let flags = Self.hexadecimal(bytes[53..<55]),
            high != 0 || low != 0, span != 0
        else { return nil }
        if version == 0 {
            guard bytes.count == 55 else { return nil }
        } else {
            guard bytes.count == 55 || bytes[55] == 0x2D else { return nil }
        }
        // Of the flags only `sampled` is defined; the others must not be passed on.
        self.init(traceHigh: high, traceLow: low, span: span, flags: UInt8(flags & 1))
    }

    /// A new span of the same trace, to be sent with a call or an event.
    public func child() -> TraceContext {
        TraceContext(
            traceHigh: traceHigh, traceLow: traceLow, span: .random(in: 1 ... .max), flags: flags)
    }

    /// The trace's ID, 32 hexadecimal digits.
    public var traceID: String { Self.text(of: [traceHigh, traceLow]) }

    /// This span's ID, 16 hexadecimal digits.
    public var spanID: String { Self.text(of: [span]) }

    /// Whether the caller records this trace.
    public var isSampled: Bool { flags & 1 == 1 }

    /// The header's value for the next hop, version 00.
    public var traceparent: String { "00-\(traceID)-\(spanID)-0\(flags)" }

    /// The same text as ``traceparent``.
    public var description: String { traceparent }

    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case 0x30...0x39: value = value << 4 | UInt64(digit - 0x30)
            case 0x61...0x66: value = value << 4 | UInt64(digit - 0x61 + 10)
            default: return nil
            }
        }
        return value
    }

    private static func text(of words: [UInt64]) -> String {
        String(unsafeUninitializedCapacity: words.count * 16) { text in
            for (index, word) in words.enumerated() {
                for position in 0..<16 {
                    let digit = UInt8(word >> UInt64(60 - position * 4) & 0xF)
                    text[index * 16 + position] = digit < 10 ? 0x30 + digit : 0x57 + digit
                }
            }
            return words.count * 16
        }
    }
}
