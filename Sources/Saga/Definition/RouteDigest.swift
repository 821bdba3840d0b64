/// A short name for all that a route says, to tell two versions of it apart.
///
/// Two routes have the same digest exactly if they have the same text, but for a chance of one in
/// many billions; it is the same in every process and on every machine.
package struct RouteDigest: Hashable, Sendable {
    /// One line for each part of the route, in the order of their declaration.
    package let text: String

    package init(_ route: Route) {
        var lines = ["route \(route.name)", Self.line(route.ends)]
        lines += route.legs.map(Self.line)
        lines += route.finishes.map(Self.line)
        lines += route.former.map { "former \($0.name): \(Self.list($0.answers))" }
        text = lines.joined(separator: "\n")
    }

    /// Sixteen hexadecimal digits: FNV-1a of the text.
    package var hexadecimal: String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 {
            hash ^= UInt64(byte)
            hash &*= 0x0000_0100_0000_01b3
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// What stands for the owner.
    static func line(_ ends: RouteEnds) -> String {
        "owner \(ends.owner): \(name(ends.begins)), \(list(ends.pivot)) > \(name(ends.completed))"
            + ", \(name(ends.request)) > \(name(ends.cancelled))"
    }

    /// What stands for a leg.
    static func line(_ leg: RouteLeg) -> String {
        "leg \(leg.name): \(list(leg.triggers)) > \(name(leg.success)) | \(name(leg.failure))"
            + (leg.undone.map { ", undone \(name($0))" } ?? "")
            + (leg.actsOutside ? "" : ", on records alone")
            + (leg.condition.map { ", when \($0.name) or \(name($0.skipped))" } ?? "")
    }

    /// What stands for a finishing leg.
    static func line(_ finish: RouteFinish) -> String {
        "finish \(finish.name): \(name(finish.trigger))"
            + (finish.emits.map { " > \(name($0))" } ?? "")
    }

    private static func list(_ kinds: [EventKind]) -> String {
        kinds.map(name).joined(separator: " + ")
    }

    private static func name(_ kind: EventKind) -> String {
        "\(kind.owner).\(kind.type)/\(kind.version)"
    }
}
