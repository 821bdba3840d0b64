import NIOCore
package import TroupeRedis

/// What stands beside an event in its entry: enough to know what it is about without reading it.
package struct EntryLabel: Hashable, Sendable {
    /// The type of the event.
    package var type: String?
    /// The event's own ID.
    package var id: String?
    /// The saga to which it belongs.
    package var correlationID: String?

    /// What is empty says as little as what is missing.
    package init(type: String?, id: String?, correlationID: String?) {
        func said(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
        self.type = said(type)
        self.id = said(id)
        self.correlationID = said(correlationID)
    }

    /// The label of an entry that has been read.
    package init(_ entry: RedisStreamEntry) {
        func text(_ name: String) -> String? { entry[name].map { String(buffer: $0) } }
        self.init(type: text("type"), id: text("id"), correlationID: text("correlationid"))
    }

    /// Defines `weigh(fields)`, the bytes of an entry, and `label(fields)`, the three parts of its
    /// label, empty where they are missing or longer than any could be.
    package static let script = """
        local function weigh(fields)
            local bytes = 0
            for at = 1, #fields do bytes = bytes + #fields[at] end
            return bytes
        end
        local function label(fields)
            local parts = {type = false, id = false, correlationid = false}
            for at = 1, #fields, 2 do
                local name, value = fields[at], fields[at + 1]
                if parts[name] == false then parts[name] = #value <= 4096 and value or '' end
            end
            return parts.type or '', parts.id or '', parts.correlationid or ''
        end
        """
}
