import Testing
import TroupeRedisTestKit

/// Lets one write of a transition's script fail on a real server: its command is misspelled.
///
/// So it fails as what nobody can foresee does, at any place among the writes.
struct BrokenWrite: Sendable {
    /// What stands in the script meant, and in no other.
    var marker: String
    /// Which of its writes fails, from 0.
    var number: Int

    private static let commands: Set<Substring> = [
        "XADD", "HSET", "HINCRBY", "HDEL", "EXPIRE", "ZADD", "ZREM", "SET", "UNLINK",
    ]

    /// The commands that write, in their order.
    static func writes(of script: String) -> [String] {
        places(in: body(of: script[...])).map { String(script[$0]) }
    }

    /// A script, or what a client sends, with that one write broken.
    func altered(_ text: String) -> String {
        var text = text
        let body = Self.body(of: text[...])
        let places = Self.places(in: body)
        guard body.contains(marker), places.indices.contains(number) else { return text }
        let last = text.index(before: places[number].upperBound)
        text.replaceSubrange(last...last, with: "Q")
        return text
    }

    private static func body(of text: Substring) -> Substring {
        guard let start = text.firstRange(of: "local function transition("),
            let end = text[start.upperBound...].firstRange(of: "local function failed(")
        else { return text[..<text.startIndex] }
        return text[start.upperBound..<end.lowerBound]
    }

    private static func places(in body: Substring) -> [Range<Substring.Index>] {
        body.ranges(of: "call('").compactMap { call in
            let name = body[call.upperBound...].prefix { $0 != "'" }
            return commands.contains(name) ? name.startIndex..<name.endIndex : nil
        }
    }
}

extension TCPForwarder {
    /// Breaks that write from now on, or none.
    func breakWrite(_ write: BrokenWrite?, sourceLocation: SourceLocation = #_sourceLocation) {
        guard let write else { return alter(nil) }
        alter({ write.altered($0) }, sourceLocation: sourceLocation)
    }
}

extension ShopRig {
    /// A rig whose scripts can be broken on their way to a server of its own.
    static func breakable(
        _ body: (ShopRig, TCPForwarder) async throws -> Void
    ) async throws {
        let server = try await RedisServer.launch()
        let forwarder = try await TCPForwarder(to: server.port)
        try await ShopRig.with(server: server, port: forwarder.port) { rig in
            try await body(rig, forwarder)
        }
        await forwarder.stop()
        await server.stop()
    }
}
