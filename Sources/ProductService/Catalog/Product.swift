import Observability
import OrderContracts

/// Something that can be ordered, and what a piece of it costs.
struct Product: Sendable, Hashable {
    /// What a new product is made of.
    struct Draft: Sendable, Hashable {
        var name: String
        var description: String
        var price: Money
    }

    /// What is to change; nil stays as it is.
    struct Change: Sendable, Hashable {
        var name: String?
        var description: String?
        var amount: Int?
        var currency: String?
    }

    var id: String
    var name: String
    var description: String
    var price: Money
    var createdAt: Timestamp
    var updatedAt: Timestamp
    /// Counts the changes, from 1.
    var version: Int

    init(id: String, draft: Draft, createdAt: Timestamp) {
        self.id = id
        self.name = draft.name
        self.description = draft.description
        self.price = draft.price
        self.createdAt = createdAt
        self.updatedAt = createdAt
        self.version = 1
    }

    /// The next version, or nil if the change changes nothing.
    func changed(by change: Change, at time: Timestamp) -> Product? {
        var changed = self
        changed.name = change.name ?? name
        changed.description = change.description ?? description
        changed.price.amount = change.amount ?? price.amount
        changed.price.currency = change.currency ?? price.currency
        guard changed != self else { return nil }
        changed.version += 1
        changed.updatedAt = max(time, updatedAt)
        return changed
    }
}

// MARK: - As a record

extension Product {
    /// The fields of the record in Redis.
    var fields: [String: String] {
        [
            "name": name, "description": description, "amount": String(price.amount),
            "currency": price.currency, "createdAt": createdAt.description,
            "updatedAt": updatedAt.description, "version": String(version),
        ]
    }

    /// Reads a record; nil if a field is missing or damaged.
    init?(id: String, fields: [String: String]) {
        guard let name = fields["name"], let description = fields["description"],
            let amount = fields["amount"].flatMap({ Int($0) }), let currency = fields["currency"],
            let createdAt = fields["createdAt"].flatMap({ Timestamp($0) }),
            let updatedAt = fields["updatedAt"].flatMap({ Timestamp($0) }),
            let version = fields["version"].flatMap({ Int($0) })
        else { return nil }
        let draft = Draft(
            name: name, description: description, price: Money(amount: amount, currency: currency))
        self.init(id: id, draft: draft, createdAt: createdAt)
        self.updatedAt = updatedAt
        self.version = version
    }
}
