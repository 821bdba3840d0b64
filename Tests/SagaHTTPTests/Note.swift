import JSONText
import SagaHTTP
import ServiceHTTP

/// The smallest item that a collection can hold.
struct Note: CollectionItem {
    static let noun = "note"
    static let plural = "notes"

    var text: String

    init(_ text: String) {
        self.text = text
    }

    var fields: [String: String] { ["text": text] }

    init?(fields: [String: String]) {
        guard let text = fields["text"] else { return nil }
        self.init(text)
    }

    init(_ body: FieldReader) {
        self.init(body.string("text"))
    }

    static func change(_ patch: FieldReader) -> @Sendable (inout Note) -> Void {
        let text = patch.optionalString("text")
        return { $0.text = text ?? $0.text }
    }

    func write(to json: inout JSONWriter) {
        json.set("text", text)
    }
}
