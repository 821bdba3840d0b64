import JSONText
import SagaHTTP
import ServiceHTTP

/// Somebody who can order.
struct User: CollectionItem {
    static let noun = "user"
    static let plural = "users"

    var name: String
    var email: String
}

// MARK: - As a record

extension User {
    var fields: [String: String] { ["name": name, "email": email] }

    init?(fields: [String: String]) {
        guard let name = fields["name"], let email = fields["email"] else { return nil }
        self.init(name: name, email: email)
    }
}

// MARK: - As JSON

extension User {
    init(_ body: FieldReader) {
        self.init(name: body.string("name"), email: body.email("email"))
    }

    static func change(_ patch: FieldReader) -> @Sendable (inout User) -> Void {
        let name = patch.optionalString("name")
        let email = patch.has("email") ? patch.email("email") : nil
        return { user in
            user.name = name ?? user.name
            user.email = email ?? user.email
        }
    }

    func write(to json: inout JSONWriter) {
        json.set("name", name)
        json.set("email", email)
    }
}

extension FieldReader {
    /// An address that can be written to: one `@`, something before it, a domain behind it.
    fileprivate func email(_ name: String) -> String {
        let text = string(name, length: 3...254)
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        let isAddress =
            parts.count == 2 && !parts[0].isEmpty && parts[1].contains(".")
            && !parts[1].hasPrefix(".") && !parts[1].hasSuffix(".")
            && !text.contains(where: \.isWhitespace)
        if !isAddress, !text.isEmpty { report(name, "must be an e-mail address") }
        return text
    }
}
