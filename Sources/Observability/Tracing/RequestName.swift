/// The name of one request, written in every log line and answer that belongs to it.
///
/// A caller's own `X-Request-Id` is kept if it is short and harmless, so that a request keeps its
/// name across hops. What could break out of a header or a log line is replaced, never repaired.
public struct RequestName: Sendable, Hashable, CustomStringConvertible {
    /// The longest name accepted from a caller.
    public static let lengthMaximum = 128

    /// The name as text.
    public let description: String

    /// A new random name of 32 hexadecimal digits.
    public init() {
        let trace = TraceContext()
        self.description = trace.traceID
    }

    /// Keeps a caller's name: 1 to 128 of the characters `A-Z a-z 0-9 . _ ~ : / + = @ -`.
    public init?(accepting name: String) {
        guard !name.isEmpty, name.utf8.count <= Self.lengthMaximum,
            name.utf8.allSatisfy(Self.isAccepted)
        else { return nil }
        self.description = name
    }

    private static func isAccepted(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x2E, 0x5F, 0x7E, 0x3A, 0x2F, 0x2B, 0x3D, 0x40, 0x2D: true
        default: false
        }
    }
}
