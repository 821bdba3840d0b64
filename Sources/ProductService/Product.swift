import JSONText
import OrderContracts
import SagaHTTP
import ServiceHTTP

/// Something that can be ordered, and what a piece of it costs.
struct Product: CollectionItem {
    static let noun = "product"
    static let plural = "products"

    var name: String
    var description: String
    var price: Money
}

// MARK: - As a record

extension Product {
    var fields: [String: String] {
        [
            "name": name, "description": description, "amount": String(price.amount),
            "currency": price.currency,
        ]
    }

    init?(fields: [String: String]) {
        guard let name = fields["name"], let description = fields["description"],
            let amount = fields["amount"].flatMap({ Int($0) }), let currency = fields["currency"]
        else { return nil }
        self.init(
            name: name, description: description, price: Money(amount: amount, currency: currency))
    }
}

// MARK: - As JSON

extension Product {
    init(_ body: FieldReader) {
        self.init(
            name: body.string("name"),
            description: body.optionalString("description", length: 0...2000) ?? "",
            price: body.object("price") { price in
                Money(amount: price.amount("amount"), currency: price.currency("currency"))
            })
    }

    /// A merge patch reaches into objects: either part of a price can change alone.
    static func change(_ patch: FieldReader) -> @Sendable (inout Product) -> Void {
        let name = patch.optionalString("name")
        let description = patch.optionalString("description", length: 0...2000)
        let price = patch.optionalObject("price") { price in
            (
                amount: price.has("amount") ? price.amount("amount") : nil,
                currency: price.has("currency") ? price.currency("currency") : nil
            )
        }
        return { product in
            product.name = name ?? product.name
            product.description = description ?? product.description
            product.price.amount = price?.amount ?? product.price.amount
            product.price.currency = price?.currency ?? product.price.currency
        }
    }

    func write(to json: inout JSONWriter) {
        json.set("name", name)
        json.set("description", description)
        json.set("price") { json in
            json.set("amount", price.amount)
            json.set("currency", price.currency)
        }
    }
}

extension FieldReader {
    /// A price for one piece, in minor units.
    fileprivate func amount(_ name: String) -> Int { integer(name, in: 1...100_000_000) }
}
