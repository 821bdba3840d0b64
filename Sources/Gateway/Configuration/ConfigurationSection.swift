import PlainText
import Yams

/// Collects what is wrong in one file, so that all of it can be told at once, and where what is
/// right stands.
final class ConfigurationFaults {
    let file: String
    private(set) var all: [ConfigurationFault] = []
    var places = ConfigurationPlaces()

    init(file: String) {
        self.file = file
        places.file = file
    }

    func add(_ message: String, at place: ConfigurationPlace) {
        all.append(ConfigurationFault(file: file, place: place, message: message))
    }
}

/// A value of the file with its place and its path, such as `routes[2].cache.ttl`.
struct ConfigurationValue {
    let node: Node
    let path: String
    let faults: ConfigurationFaults

    var place: ConfigurationPlace {
        node.mark.map { ConfigurationPlace(line: $0.line, column: $0.column) }
            ?? ConfigurationPlace()
    }

    func fault(_ message: String) {
        faults.add(path.isEmpty ? message : "\(path): \(message)", at: place)
    }

    /// Says what was expected, and gives the stand-in.
    func refused<Value>(_ expected: String, instead: Value) -> Value {
        fault("\(expected) expected")
        return instead
    }

    var text: String? { node.scalar?.string }

    var isEmptyList: Bool { node.sequence?.isEmpty == true }

    /// The values of a list; a single scalar counts as a list of one.
    func list() -> [ConfigurationValue] {
        guard let sequence = node.sequence else {
            return node.scalar != nil ? [self] : refused("a list", instead: [])
        }
        return sequence.enumerated().map { index, node in
            let item = ConfigurationValue(node: node, path: "\(path)[\(index)]", faults: faults)
            faults.places.note(item.place, of: item.path)
            return item
        }
    }

    func string() -> String {
        guard let text, !text.isEmpty else { return refused("text", instead: "") }
        return text
    }

    /// The name of a service or an event: letters, digits, `.`, `_` and `-`.
    func name() -> String {
        let name = string()
        let isName = name.utf8.allSatisfy {
            ByteClass.of($0).contains(.unreserved) && $0 != UInt8(ascii: "~")
        }
        if !isName { fault("`\(name)` may hold letters, digits, dots, dashes and _ only") }
        return name
    }

    func upstreamPath() -> UpstreamPath? {
        do throws(TemplateFault) {
            return try UpstreamPath(string())
        } catch {
            fault(error.message)
            return nil
        }
    }

    func tagTemplate() -> TagTemplate? {
        do throws(TagTemplate.SyntaxError) {
            return try TagTemplate(string())
        } catch {
            fault(error.message)
            return nil
        }
    }

    /// - Parameter prefix: names that begin so are the writer's own.
    func section(ignoring prefix: String? = nil) -> ConfigurationSection {
        ConfigurationSection(self, ignoring: prefix)
    }
}

/// A mapping of the file.
///
/// What is asked of it is what it may contain: `finish()` reports the rest.
final class ConfigurationSection {
    let value: ConfigurationValue
    private var entries: [String: ConfigurationValue] = [:]
    private var order: [(key: String, place: ConfigurationPlace)] = []
    private var asked: [String] = []

    private let ignoredPrefix: String?

    init(_ value: ConfigurationValue, ignoring prefix: String? = nil) {
        self.value = value
        ignoredPrefix = prefix
        guard let mapping = value.node.mapping else {
            value.fault("a mapping of names to values expected")
            return
        }
        take(mapping, depth: 0)
    }

    /// What stands here goes before what a merge key (`<<: *defaults`) brings in.
    private func take(_ mapping: Node.Mapping, depth: Int) {
        var merged: [Node] = []
        for (key, node) in mapping {
            let name = key.scalar?.string ?? ""
            if name == "<<", key.scalar?.style == .plain {
                merged += node.sequence.map(Array.init) ?? [node]
                continue
            }
            guard entries[name] == nil else { continue }
            let path = value.path.isEmpty ? name : "\(value.path).\(name)"
            entries[name] = ConfigurationValue(node: node, path: path, faults: value.faults)
            let mark = key.mark
            let place = ConfigurationPlace(line: mark?.line ?? 1, column: mark?.column ?? 1)
            order.append((name, place))
            value.faults.places.note(place, of: path)
        }
        for node in merged {
            guard let mapping = node.mapping, depth < 16 else {
                value.fault("`<<` takes a mapping, or a list of mappings")
                continue
            }
            take(mapping, depth: depth + 1)
        }
    }

    /// The names of the file, for sections whose names are free.
    var names: [String] {
        asked += order.map(\.key)
        return order.map(\.key)
    }

    func optional(_ name: String) -> ConfigurationValue? {
        asked.append(name)
        return entries[name]
    }

    func required(_ name: String) -> ConfigurationValue? {
        guard let entry = optional(name) else {
            value.fault("`\(name)` is missing")
            return nil
        }
        return entry
    }

    /// Reports every name that nobody asked for, with the nearest that somebody did.
    func finish() {
        for (key, place) in order where !asked.contains(key) {
            if let ignoredPrefix, key.hasPrefix(ignoredPrefix) { continue }
            let nearest = asked.min { Spelling.distance($0, key) < Spelling.distance($1, key) }
            let path = value.path.isEmpty ? key : "\(value.path).\(key)"
            var message = "\(path): unknown name"
            if let nearest, Spelling.distance(nearest, key) <= max(2, key.count / 2) {
                message += "; did you mean `\(nearest)`?"
            } else {
                message += "; known are \(asked.sorted().map { "`\($0)`" }.joined(separator: ", "))"
            }
            value.faults.add(message, at: place)
        }
    }
}

// MARK: - Values with defaults

extension ConfigurationSection {
    func string(_ name: String, default standard: String) -> String {
        optional(name)?.string() ?? standard
    }

    func integer(_ name: String, in range: ClosedRange<Int>, default standard: Int) -> Int {
        guard let entry = optional(name) else { return standard }
        guard let number = entry.text.flatMap({ Int($0) }), range.contains(number) else {
            return entry.refused(
                "a number from \(range.lowerBound) to \(range.upperBound)", instead: standard)
        }
        return number
    }

    func flag(_ name: String, default standard: Bool) -> Bool {
        guard let entry = optional(name) else { return standard }
        switch entry.text {
        case "true": return true
        case "false": return false
        default: return entry.refused("`true` or `false`", instead: standard)
        }
    }

    func duration(
        _ name: String, atLeast least: Duration = .milliseconds(1), default standard: Duration
    ) -> Duration {
        guard let entry = optional(name) else { return standard }
        guard let duration = entry.text.flatMap(UnitText.duration),
            (least...UnitText.longest).contains(duration)
        else {
            return entry.refused(
                "a duration such as `5s`, `200ms` or `1m`, at least \(least)", instead: standard)
        }
        return duration
    }

    func size(_ name: String, in range: ClosedRange<Int>, default standard: Int) -> Int {
        guard let entry = optional(name) else { return standard }
        guard let size = entry.text.flatMap(UnitText.size), range.contains(size) else {
            return entry.refused(
                "a size such as `64KiB`, from \(range.lowerBound) to \(range.upperBound) bytes",
                instead: standard)
        }
        return size
    }

    /// A share of one, written `20%`.
    func share(_ name: String, default standard: Double) -> Double {
        guard let entry = optional(name) else { return standard }
        guard let share = entry.text.flatMap(UnitText.share) else {
            return entry.refused("a share from `0%` to `100%`", instead: standard)
        }
        return share
    }

    func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ name: String, default standard: Value
    ) -> Value {
        guard let entry = optional(name) else { return standard }
        guard let value = entry.text.flatMap(Value.init(rawValue:)) else {
            let names = Value.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
            return entry.refused("one of \(names)", instead: standard)
        }
        return value
    }

    /// Tags whose placeholders are all among what `isKnown` accepts.
    func tags(_ name: String, placeholders isKnown: (String) -> Bool) -> [TagTemplate] {
        var tags: [TagTemplate] = []
        for entry in optional(name)?.list() ?? [] {
            guard let tag = entry.tagTemplate() else { continue }
            for field in tag.fields where !isKnown(field) {
                entry.fault("nothing is named `{\(field)}` here")
            }
            tags.append(tag)
        }
        return tags
    }
}
