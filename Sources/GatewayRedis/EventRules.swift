import CloudEvents
import EventStreams
import Gateway
import JSONText
import NIOCore

/// Which events are listened to, where they are kept, and what they take away.
struct EventRules: Sendable {
    /// A type of event and the service that owns its stream.
    struct Source: Hashable, Sendable {
        var event: String
        var service: String
    }

    private let templates: [String: [TagTemplate]]
    /// All types with their owners, each once, in the order of the rules.
    let sources: [Source]

    init(_ rules: [InvalidationRule]) {
        var templates: [String: [TagTemplate]] = [:]
        var sources: [Source] = []
        for rule in rules {
            for event in rule.events {
                templates[event, default: []] += rule.tags
                let source = Source(event: event, service: rule.service)
                if !sources.contains(source) { sources.append(source) }
            }
        }
        self.templates = templates
        self.sources = sources
    }

    /// What an event takes away; nothing if no rule speaks of it or no tag can be made of it.
    func invalidation(of event: CloudEvent) -> Invalidation? {
        guard let templates = templates[event.type] else { return nil }
        var payload: EventData?
        var tags: [CacheTag] = []
        for template in templates {
            let tag = template.tag { EventRules.value($0, of: event, &payload) }
            if let tag, !tags.contains(tag) { tags.append(tag) }
        }
        return tags.isEmpty ? nil : Invalidation(cause: event.id, tags: tags)
    }

    /// What an event takes away of which only the label can be read; nil if that may be anything.
    ///
    /// The subject of an event is its saga, and so is what it correlates with.
    func invalidation(
        of label: EntryLabel, from source: Source, entry: String
    ) -> Invalidation? {
        guard let templates = templates[source.event],
            label.type ?? source.event == source.event
        else { return nil }
        var tags: [CacheTag] = []
        for template in templates {
            let tag = template.tag { field in
                switch field {
                case "subject", "correlationid": label.correlationID
                case "type": source.event
                case "id": label.id
                default: nil
                }
            }
            guard let tag else { return nil }
            if !tags.contains(tag) { tags.append(tag) }
        }
        let cause = label.id ?? "\(source.service) \(source.event) \(entry)"
        return Invalidation(cause: cause, tags: tags)
    }

    private static func value(
        _ field: String, of event: CloudEvent, _ payload: inout EventData?
    ) -> String? {
        switch field {
        case "subject": return event.subject
        case "type": return event.type
        case "id": return event.id
        case "source": return event.source
        case "correlationid": return event.correlationID
        default: break
        }
        let path = field.split(separator: ".")
        guard path.count > 1, path[0] == "data" else { return nil }
        let content = payload ?? EventData(event.data)
        payload = content
        return content[path.dropFirst()]
    }
}

/// The payload of an event, as far as a path can reach into it.
struct EventData {
    private let whole: JSONPart?

    /// The payload; nothing can be found in it if it cannot be read.
    init(_ json: [UInt8]) {
        whole = JSONPart(json, depthMaximum: JSONScanner.depthMaximum)
    }

    /// The text or whole number at the end of a path.
    ///
    /// Of two members with one name the first counts.
    subscript(path: ArraySlice<Substring>) -> String? {
        let end = path.reduce(whole) { $0?.members(String($1)).first }
        guard let end, let text = end.scalarText else { return nil }
        if end.bytes.first == UInt8(ascii: "\"") { return text }
        return (Int64(text) ?? Double(text).flatMap(Int64.init(exactly:))).map { "\($0)" }
    }
}
