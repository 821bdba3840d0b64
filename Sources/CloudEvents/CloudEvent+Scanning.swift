import JSONText
import Timekeeping

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
        do {
            try self.init(reading: bytes)
        } catch let fault as JSONFault {
            throw CloudEventError(.malformed, "\(fault.message) at byte \(fault.offset)")
        } catch {
            throw error as? CloudEventError ?? CloudEventError(.malformed, "\(error)")
        }
    }

    private init(reading bytes: UnsafeBufferPointer<UInt8>) throws {
        var attributes = Attributes()
        var scanner = JSONScanner(bytes)
        try scanner.expect("{")
        if !scanner.take("}") {
            repeat {
                scanner.skipSpace()
                let name = try attributes.name(try scanner.text(), scanner)
                try scanner.expect(":")
                try attributes.read(name, from: &scanner)
            } while scanner.take(",")
            try scanner.expect("}")
        }
        scanner.skipSpace()
        guard scanner.isAtEnd else { throw scanner.fault("text after the event") }
        try self.init(attributes, scanner, data: bytes)
    }

    /// The attributes that we know, in the order in which `json()` writes them.
    private enum Name: Int {
        case specVersion, id, source, type, subject, time, correlationID, causationID
        case traceparent, coordination, route, dataVersion, data, contentType, binaryData

        static let count = binaryData.rawValue + 1

        var text: StaticString {
            switch self {
            case .specVersion: "specversion"
            case .id: "id"
            case .source: "source"
            case .type: "type"
            case .subject: "subject"
            case .time: "time"
            case .correlationID: "correlationid"
            case .causationID: "causationid"
            case .traceparent: "traceparent"
            case .coordination: "coordination"
            case .route: "route"
            case .dataVersion: "dataversion"
            case .data: "data"
            case .contentType: "datacontenttype"
            case .binaryData: "data_base64"
            }
        }
    }

    /// Where the attributes lie.
    private struct Attributes {
        var specVersion: JSONScanner.Text?
        var id: JSONScanner.Text?
        var source: JSONScanner.Text?
        var type: JSONScanner.Text?
        var subject: JSONScanner.Text?
        var time: JSONScanner.Text?
        var correlationID: JSONScanner.Text?
        var causationID: JSONScanner.Text?
        var traceparent: JSONScanner.Text?
        var coordination: JSONScanner.Text?
        var route: JSONScanner.Text?
        var contentType: JSONScanner.Text?
        var dataVersion: Int?
        var data: Range<Int>?
        var hasBinaryData = false
        /// Behind the name that was found last, where the next one probably is.
        private var next = 0

        /// Which of the attributes that we know a name is; nil if it is none.
        mutating func name(
            _ text: JSONScanner.Text, _ scanner: JSONScanner
        ) throws -> Name? {
            let next = next
            let found = try scanner.withUTF8(text) { content -> Name? in
                for step in 0..<Name.count {
                    let name = Name(rawValue: (next + step) % Name.count)
                    if let name, content.equal(name.text) { return name }
                }
                return nil
            }
            if let found { self.next = found.rawValue + 1 }
            return found
        }

        mutating func read(
            _ name: Name?, from scanner: inout JSONScanner
        ) throws {
            switch name {
            case .specVersion: try Self.set(&specVersion, .specVersion, &scanner)
            case .id: try Self.set(&id, .id, &scanner)
            case .source: try Self.set(&source, .source, &scanner)
            case .type: try Self.set(&type, .type, &scanner)
            case .subject: try Self.set(&subject, .subject, &scanner)
            case .time: try Self.set(&time, .time, &scanner)
            case .correlationID: try Self.set(&correlationID, .correlationID, &scanner)
            case .causationID: try Self.set(&causationID, .causationID, &scanner)
            case .traceparent: try Self.set(&traceparent, .traceparent, &scanner)
            case .coordination: try Self.set(&coordination, .coordination, &scanner)
            case .route: try Self.set(&route, .route, &scanner)
            case .contentType: try Self.set(&contentType, .contentType, &scanner)
            case .dataVersion:
                guard dataVersion == nil else { throw Self.twice(.dataVersion) }
                dataVersion = try scanner.integer()
            case .data:
                guard data == nil else { throw Self.twice(.data) }
                guard scanner.peek() == UInt8(ascii: "{") else {
                    throw CloudEventError(.invalid, "data is not an object")
                }
                data = try scanner.skipValue()
            case .binaryData, nil:
                hasBinaryData = hasBinaryData || name == .binaryData
                _ = try scanner.skipValue()
            }
        }

        func subjectIsCorrelated(_ scanner: JSONScanner) -> Bool {
            guard let subject, let correlationID else { return false }
            return scanner.content(subject).elementsEqual(scanner.content(correlationID))
        }

        private static func set(
            _ attribute: inout JSONScanner.Text?, _ name: Name, _ scanner: inout JSONScanner
        ) throws {
            guard attribute == nil else { throw twice(name) }
            guard scanner.peek() == UInt8(ascii: "\"") else {
                throw CloudEventError(.invalid, "\(name.text) is not a string")
            }
            let value = try scanner.text()
            guard !value.content.isEmpty else {
                throw CloudEventError(.invalid, "\(name.text) is empty")
            }
            attribute = value
        }

        private static func twice(_ name: Name) -> CloudEventError {
            CloudEventError(.invalid, "\(name.text) stands twice")
        }
    }

    private init(
        _ attributes: Attributes, _ scanner: JSONScanner, data bytes: UnsafeBufferPointer<UInt8>
    ) throws {
        func text(_ text: JSONScanner.Text?) throws -> String? {
            guard let text else { return nil }
            return try scanner.string(text)
        }
        func required(
            _ text: JSONScanner.Text?, _ name: Name
        ) throws -> String {
            try scanner.string(try Self.required(text, name))
        }
        let specVersion = try Self.required(attributes.specVersion, .specVersion)
        guard try scanner.withUTF8(specVersion, { $0.equal("1.0") }) else {
            throw CloudEventError(.unsupported, "specversion is not 1.0")
        }
        guard !attributes.hasBinaryData else {
            throw CloudEventError(.invalid, "data_base64 is not taken, data must be an object")
        }
        let subject = try required(attributes.subject, .subject)
        let time = try Self.required(attributes.time, .time)
        guard let moment = try scanner.withUTF8(time, Timestamp.init(rfc3339:)) else {
            throw CloudEventError(.invalid, "time is not a time of RFC 3339")
        }
        let dataVersion = attributes.dataVersion ?? 1
        guard dataVersion >= 1 else {
            throw CloudEventError(.invalid, "dataversion is below 1")
        }
        // Most subjects are sagas; then one text is both.
        let isSaga = attributes.subjectIsCorrelated(scanner)
        self.init(
            id: try required(attributes.id, .id),
            source: try required(attributes.source, .source),
            type: try required(attributes.type, .type),
            subject: subject,
            time: moment.milliseconds,
            correlationID: isSaga ? subject : try text(attributes.correlationID),
            causationID: try text(attributes.causationID),
            traceparent: try text(attributes.traceparent),
            coordination: try text(attributes.coordination),
            route: try text(attributes.route),
            dataVersion: dataVersion,
            data: Array(bytes[try Self.required(attributes.data, .data)]))
    }

    private static func required<Value>(
        _ value: Value?, _ name: Name
    ) throws(CloudEventError) -> Value {
        guard let value else { throw CloudEventError(.missing, "\(name.text) is missing") }
        return value
    }
}
