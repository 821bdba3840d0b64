import Observability

/// Somebody who can order.
struct User: Sendable, Hashable {
    /// What a new user is made of.
    struct Draft: Sendable, Hashable {
        var name: String
        var email: String
    }

    /// What is to change; nil stays as it is.
    struct Change: Sendable, Hashable {
        var name: String?
        var email: String?
    }

    var id: String
    var name: String
    var email: String
    var createdAt: Timestamp
    var updatedAt: Timestamp
    /// Counts the changes, from 1.
    var version: Int

    init(id: String, draft: Draft, createdAt: Timestamp) {
        self.id = id
        self.name = draft.name
        self.email = draft.email
        self.createdAt = createdAt
        self.updatedAt = createdAt
        self.version = 1
    }

    /// The next version, or nil if the change changes nothing.
    func changed(by change: Change, at time: Timestamp) -> User? {
        var changed = self
        changed.name = change.name ?? name
        changed.email = change.email ?? email
        guard changed != self else { return nil }
        changed.version += 1
        changed.updatedAt = max(time, updatedAt)
        return changed
    }
}

// MARK: - As a record

extension User {
    /// The fields of the record in Redis.
    var fields: [String: String] {
        [
            "name": name, "email": email, "createdAt": createdAt.description,
            "updatedAt": updatedAt.description, "version": String(version),
        ]
    }

    /// Reads a record; nil if a field is missing or damaged.
    init?(id: String, fields: [String: String]) {
        guard let name = fields["name"], let email = fields["email"],
            let createdAt = fields["createdAt"].flatMap({ Timestamp($0) }),
            let updatedAt = fields["updatedAt"].flatMap({ Timestamp($0) }),
            let version = fields["version"].flatMap({ Int($0) })
        else { return nil }
        self.init(id: id, draft: Draft(name: name, email: email), createdAt: createdAt)
        self.updatedAt = updatedAt
        self.version = version
    }
}
