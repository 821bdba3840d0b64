extension CloudEvent {
    /// Reads an event from the text of one JSON object.
    ///
    /// Strict about what we rely on: required attributes present, of their type and not empty,
    /// `specversion` 1.0, `data` an object, no attribute twice. Attributes that we do not know
    /// are checked to be JSON and left out.
    public init(json: [UInt8]) throws(CloudEventError) {
        let scanned = json.withUnsafeBufferPointer { bytes in
            Result<CloudEvent, CloudEventError> { () throws(CloudEventError) in
                try CloudEvent(scanning: bytes)
            }
        }
        self = try scanned.get()
    }

    /// Reads an event from bytes that stay where they are, as those of a network buffer.
    public init(scanning bytes: UnsafeBufferPointer<UInt8>) throws(CloudEventError) {
        var attributes = Attributes()
        var scanner = JSONScanner(bytes)
        try scanner.expect("{")
        if !scanner.take("}") {
            repeat {
                scanner.skipSpace()
                let name = try scanner.string()
                try scanner.expect(":")
                try attributes.read(name, from: &scanner)
            } while scanner.take(",")
            try scanner.expect("}")
        }
        scanner.skipSpace()
        guard scanner.isAtEnd else { throw scanner.fault("text after the event") }
        try self.init(attributes, data: bytes)
    }

    private struct Attributes {
        var specVersion: String?
        var id: String?
        var source: String?
        var type: String?
        var subject: String?
        var time: String?
        var correlationID: String?
        var causationID: String?
        var traceparent: String?
        var coordination: String?
        var contentType: String?
        var dataVersion: Int?
        var data: Range<Int>?
        var hasBinaryData = false

        mutating func read(
            _ name: String, from scanner: inout JSONScanner
        ) throws(CloudEventError) {
            switch name {
            case "specversion": try Self.set(&specVersion, name, &scanner)
            case "id": try Self.set(&id, name, &scanner)
            case "source": try Self.set(&source, name, &scanner)
            case "type": try Self.set(&type, name, &scanner)
            case "subject": try Self.set(&subject, name, &scanner)
            case "time": try Self.set(&time, name, &scanner)
            case "correlationid": try Self.set(&correlationID, name, &scanner)
            case "causationid": try Self.set(&causationID, name, &scanner)
            case "traceparent": try Self.set(&traceparent, name, &scanner)
            case "coordination": try Self.set(&coordination, name, &scanner)
            case "datacontenttype": try Self.set(&contentType, name, &scanner)
            case "dataversion":
                guard dataVersion == nil else { throw Self.twice(name) }
                dataVersion = try scanner.integer()
            case "data":
                guard data == nil else { throw Self.twice(name) }
                guard scanner.peek() == UInt8(ascii: "{") else {
                    throw CloudEventError(.invalid, "data is not an object")
                }
                data = try scanner.skipValue()
            default:
                hasBinaryData = hasBinaryData || name == "data_base64"
                _ = try scanner.skipValue()
            }
        }

        private static func set(
            _ attribute: inout String?, _ name: String, _ scanner: inout JSONScanner
        ) throws(CloudEventError) {
            guard attribute == nil else { throw twice(name) }
            guard scanner.peek() == UInt8(ascii: "\"") else {
                throw CloudEventError(.invalid, "\(name) is not a string")
            }
            let value = try scanner.string()
            guard !value.isEmpty else { throw CloudEventError(.invalid, "\(name) is empty") }
            attribute = value
        }

        private static func twice(_ name: String) -> CloudEventError {
            CloudEventError(.invalid, "\(name) stands twice")
        }
    }

    private init(
        _ attributes: Attributes, data bytes: UnsafeBufferPointer<UInt8>
    ) throws(CloudEventError) {
        guard try Self.required(attributes.specVersion, "specversion") == "1.0" else {
            throw CloudEventError(.unsupported, "specversion is not 1.0")
        }
        guard !attributes.hasBinaryData else {
            throw CloudEventError(.invalid, "data_base64 is not taken, data must be an object")
        }
        let subject = try Self.required(attributes.subject, "subject")
        let time = try Self.required(attributes.time, "time")
        guard let milliseconds = EventTime.milliseconds(time[...].utf8) else {
            throw CloudEventError(.invalid, "time is not a time of RFC 3339")
        }
        let dataVersion = attributes.dataVersion ?? 1
        guard dataVersion >= 1 else {
            throw CloudEventError(.invalid, "dataversion is below 1")
        }
        self.init(
            id: try Self.required(attributes.id, "id"),
            source: try Self.required(attributes.source, "source"),
            type: try Self.required(attributes.type, "type"),
            subject: subject,
            time: milliseconds,
            correlationID: attributes.correlationID,
            causationID: attributes.causationID,
            traceparent: attributes.traceparent,
            coordination: attributes.coordination,
            dataVersion: dataVersion,
            data: Array(bytes[try Self.required(attributes.data, "data")]))
    }

    private static func required<Value>(
        _ value: Value?, _ name: String
    ) throws(CloudEventError) -> Value {
        guard let value else { throw CloudEventError(.missing, "\(name) is missing") }
        return value
    }
}
