/// Where events stand in Redis, and where they are told: the only place that says so.
///
///     saga.<EventType>                channel  the event, as it happens
///     saga:{<owner>}:<EventType>      stream   the event, kept; a group for each consumer
///     saga:{<owner>}:declared         hash     which events the service says and consumes
///
/// A namespace stands before everything, with a colon. It has been checked: no character in it
/// means anything in a pattern.
public struct EventStreamKeys: Hashable, Sendable {
    /// The namespace and its colon; empty for none.
    public let prefix: String

    /// The keys of one namespace; of none if it is empty.
    public init(namespace: String = "") {
        prefix = namespace.isEmpty ? "" : namespace + ":"
    }

    /// The channel of a type of event.
    public func channel(_ type: String) -> String { "\(prefix)saga.\(type)" }

    /// The stream of a type of event, which its emitter owns.
    public func stream(_ type: String, owner: String) -> String {
        "\(prefix)saga:{\(owner)}:\(type)"
    }

    /// What the running replicas of a service declare.
    public func declared(_ service: String) -> String { "\(prefix)saga:{\(service)}:declared" }

    // MARK: - Finding them

    /// Matches every channel of events, for `PSUBSCRIBE`.
    public var channelPattern: String { "\(prefix)saga.*" }

    /// Matches every stream of events, and other keys of services, for `SCAN`.
    public var streamPattern: String { "\(prefix)saga:{*}:*" }

    /// Whether a key that the pattern found is a stream of events: it ends in an event type,
    /// not in `dead` or something longer.
    public func isEventStream(_ key: String) -> Bool {
        guard key.hasPrefix("\(prefix)saga:{"), let brace = key.firstIndex(of: "}") else {
            return false
        }
        let rest = key[key.index(after: brace)...]
        return rest.first == ":" && Self.isType(rest.dropFirst())
    }

    /// Whether a word can be a type of event: a capital letter, then letters and digits.
    public static func isType(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, (0x41...0x5A).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || (0x30...0x39).contains(byte)
        }
    }
}
