import HTTPTypes
import Hummingbird
import Logging
import Observability
import OrderContracts
import Saga
import ServiceHTTP

/// The product service over HTTP.
///
///     GET   /products?limit=&after=     200, newest first
///     POST  /products                   201 + Location
///     GET   /products/{id}              200 + ETag | 304 | 404
///     PATCH /products/{id}              200 + ETag | 404 | 412, body as RFC 7396
struct ProductRoutes {
    let store: ProductCatalog

    func router(logger: Logger) -> ServiceRouter {
        let router = ServiceRouter(
            service: "products", logger: logger,
            problem: { ($0 as? SagaError).flatMap(Problem.init) })
        router.get("/products") { request, _ in try await list(request) }
        router.post("/products") { request, context in
            let draft = try await request.readJSON(context) { Product.Draft($0) }
            let product = try await store.create(draft)
            return product.response(.created, [.location: "/products/\(product.id)"])
        }
        router.get("/products/{id}") { request, context in
            guard let product = try await store.product(try context.pathID()) else {
                throw Problem.missing
            }
            return request.hasCurrent(product.tag) ? .notModified(product.tag) : product.response()
        }
        router.patch("/products/{id}") { request, context in
            let id = try context.pathID()
            let change = try await request.readJSON(context, unknown: .refused) {
                Product.Change($0)
            }
            let product = try await store.change(id, by: change) { version in
                try request.requireMatch(Product.tag(version))
            }
            guard let product else { throw Problem.missing }
            return product.response()
        }
        return router
    }

    private func list(_ request: Request) async throws -> Response {
        let page = try request.readQuery { Page($0) }
        if let last = page.after, try await store.product(last) == nil {
            throw Problem.invalid([Problem.Fault(.parameter("after"), "must be a product's ID")])
        }
        // One more than asked for tells whether there is a next page.
        let found = try await store.products(after: page.after, limit: page.limit + 1)
        let products = found.prefix(page.limit)
        let next = found.count > page.limit ? products.last?.id : nil
        return .page(products, next: next) { product, json in product.write(to: &json) }
    }
}

extension Product {
    /// Each change of a product makes a new version.
    fileprivate static func tag(_ version: Int) -> EntityTag { EntityTag("v\(version)") }

    fileprivate var tag: EntityTag { Self.tag(version) }

    fileprivate func response(
        _ status: HTTPResponse.Status = .ok, _ headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.eTag] = tag.description
        return .json(status, headers: headers) { write(to: &$0) }
    }

    fileprivate func write(to json: inout JSONWriter) {
        json.set("id", id)
        json.set("name", name)
        json.set("description", description)
        json.set("price") { json in
            json.set("amount", price.amount)
            json.set("currency", price.currency)
        }
        json.set("createdAt", createdAt.description)
        json.set("updatedAt", updatedAt.description)
    }
}

extension Product.Draft {
    fileprivate init(_ fields: FieldReader) {
        self.init(
            name: fields.string("name"),
            description: fields.optionalString("description", length: 0...2000) ?? "",
            price: fields.object("price") { price in
                Money(amount: price.amount("amount"), currency: price.currency("currency"))
            })
    }
}

extension Product.Change {
    fileprivate init(_ fields: FieldReader) {
        self.init(
            name: fields.optionalString("name"),
            description: fields.optionalString("description", length: 0...2000))
        // A merge patch reaches into objects: either part of a price can change alone.
        fields.optionalObject("price") { price in
            amount = price.has("amount") ? price.amount("amount") : nil
            currency = price.has("currency") ? price.currency("currency") : nil
        }
    }
}

extension FieldReader {
    /// A price for one piece, in minor units.
    fileprivate func amount(_ name: String) -> Int { integer(name, in: 1...100_000_000) }
}

extension Problem {
    fileprivate static let missing = Problem.notFound("There is no such product.")

    /// Only what may pass by itself is worth saying; the rest is internal.
    fileprivate init?(_ error: SagaError) {
        guard error.retry == .later else { return nil }
        self = .unavailable("The products cannot be reached now.", cause: error)
    }
}
