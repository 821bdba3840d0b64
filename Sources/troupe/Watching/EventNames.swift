/// Names of channels and streams on a Redis, as the design's table of keys gives them.
struct EventNames: Sendable {
    private let prefix: String

    /// The namespace has been checked: no character in it means anything in a pattern.
    init(namespace: String?) {
        prefix = namespace.map { "\($0):" } ?? ""
    }

    var channelPattern: String { "\(prefix)saga.*" }
    var streamPattern: String { "\(prefix)saga:{*}:*" }

    func channel(ofType type: String) -> String { "\(prefix)saga.\(type)" }

    /// Whether a key that the pattern found is a stream of events: it ends in an event type,
    /// not in `dead` or something longer.
    func isEventStream(_ key: String) -> Bool {
        guard key.hasPrefix("\(prefix)saga:{"), let brace = key.firstIndex(of: "}") else {
            return false
        }
        let rest = key[key.index(after: brace)...]
        return rest.first == ":" && Self.isType(rest.dropFirst())
    }

    /// Event types begin with a capital letter and hold letters and digits.
    static func isType(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, (0x41...0x5A).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || (0x30...0x39).contains(byte)
        }
    }
}
