import NIOCore

/// One command, encoded when it is made, so that sending it only copies bytes.
///
/// Typed commands are static functions (`.get("key")`, `.xadd(…)`); anything else is made
/// with the general initialiser.
public struct RedisCommand: Sendable {
    /// The command's first word, as it was given.
    public let name: String
    /// Whether repeating it can do no harm.
    ///
    /// Only then does the client repeat it by itself after a connection was lost.
    public let isReadOnly: Bool
    /// The command in RESP.
    let encoded: [UInt8]
    /// Commands with equal affinity keep their order when there are several connections.
    var affinity = 0

    /// Makes any command.
    ///
    /// - Parameters:
    ///   - name: the first word, such as `GET`; never taken from user input.
    ///   - arguments: what follows, subcommands included.
    ///   - isReadOnly: true only if the command changes nothing on the server.
    public init(_ name: String, _ arguments: [RedisArgument], isReadOnly: Bool = false) {
        self.name = name
        self.isReadOnly = isReadOnly
        encoded = RESPWriter.encode(name, arguments)
        if let first = arguments.first { affinity = first.affinity }
    }

    init(_ name: String, _ arguments: [RedisArgument], followedBy more: [RedisArguments]) {
        self.name = name
        isReadOnly = false
        encoded = RESPWriter.encode(name, arguments, more)
    }

    /// The same command, kept in order with those that concern `key`.
    func ordered(with key: RedisArgument?) -> RedisCommand {
        var command = self
        command.affinity = key?.affinity ?? 0
        return command
    }
}

extension RedisArgument {
    /// Cheap rather than good: it only spreads keys over up to four connections.
    fileprivate var affinity: Int {
        switch self {
        case .string(let text): Self.spread(text.utf8)
        case .integer(let number): number & 0xff
        case .bytes(let bytes): Self.spread(bytes)
        case .buffer(let buffer): Self.spread(buffer.readableBytesView)
        }
    }

    private static func spread(_ bytes: some BidirectionalCollection<UInt8>) -> Int {
        var sum = bytes.count
        for byte in bytes.suffix(8) { sum = (sum &* 31 &+ Int(byte)) & 0xffff }
        return sum
    }
}
