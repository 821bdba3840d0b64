import JSONText
import Yams

/// Turns what the configuration gives in the place of a part into JSON.
enum StandInJSON {
    /// The JSON of a YAML value, or `nil` if JSON cannot express it.
    static func bytes(of node: Node) -> [UInt8]? {
        if let mapping = node.mapping {
            var members: [[UInt8]] = []
            for (key, value) in mapping {
                // A merge key is YAML's own; a member of that name is written in quotes.
                guard let scalar = key.scalar, scalar.string != "<<" || scalar.style != .plain,
                    let value = bytes(of: value)
                else { return nil }
                let name = scalar.string
                members.append([UInt8](quoting: name) + [UInt8(ascii: ":")] + value)
            }
            return joined(members, "{", "}")
        }
        if let sequence = node.sequence {
            let items = sequence.compactMap(bytes)
            return items.count == sequence.count ? joined(items, "[", "]") : nil
        }
        guard let scalar = node.scalar else { return nil }
        let text = Array(scalar.string.utf8)
        let isPlain = scalar.style == .plain || scalar.style == .any
        if isPlain, text.isEmpty || text == Array("~".utf8) { return Array("null".utf8) }
        if isPlain, text.first != UInt8(ascii: "\""), JSONPart(text) != nil { return text }
        return [UInt8](quoting: scalar.string)
    }

    private static func joined(
        _ items: [[UInt8]], _ open: Unicode.Scalar, _ close: Unicode.Scalar
    )
        -> [UInt8]
    {
        [UInt8(ascii: open)] + Array(items.joined(separator: [UInt8(ascii: ",")]))
            + [UInt8(ascii: close)]
    }
}
