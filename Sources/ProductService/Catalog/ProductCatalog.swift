import CloudEvents
import Observability
import Redis
import Saga
import SagaRedis

//     {product}:product:<id>    hash    name, description, amount, currency,
//                                       createdAt, updatedAt, version
//     {product}:products         zset    ID by the time it was made
//
// A change names the version it was made from, so of two at once one wins and the other is made
// again from what the first left.

/// The products as they stand in Redis.
struct ProductCatalog: Sendable {
    private static let index: RecordName = "products"
    /// How often a change is made again because another came in between.
    private static let attemptsMaximum = 8

    private let store: RecordStore

    init(redis: RedisClient, namespace: String) {
        store = RecordStore(service: "product", redis: redis, namespace: namespace)
    }

    /// The product of that ID, if there is one.
    func product(_ id: String) async throws(SagaError) -> Product? {
        let fields = try await store.reader.fields(of: Self.record(id))
        return fields.isEmpty ? nil : try Self.decoded(id, fields)
    }

    /// Products, newest first, behind the one called `last`.
    func products(after last: String?, limit: Int) async throws(SagaError) -> [Product] {
        let ids = try await store.reader.members(of: Self.index, after: last, limit: limit)
        let all = try await store.reader.fields(ofAll: ids.map(Self.record))
        var products: [Product] = []
        for (id, fields) in zip(ids, all) where !fields.isEmpty {
            products.append(try Self.decoded(id, fields))
        }
        return products
    }

    /// Files a new product under an ID of its own.
    func create(_ draft: Product.Draft) async throws(SagaError) -> Product {
        let product = Product(id: UUIDv7.next(), draft: draft, createdAt: .now())
        let outcome = try await store.transition(
            Changes { changes in
                changes.requireAbsent(Self.record(product.id), orElse: BusinessFailure("exists"))
                Self.file(product, in: &changes)
            })
        guard outcome == .applied else {
            throw SagaError(.unexpectedState, "a new ID is in use already")
        }
        return product
    }

    /// Changes a product, if `check` agrees with the version that it has; nil if there is none.
    func change(
        _ id: String, by change: Product.Change, check: (Int) throws -> Void
    ) async throws -> Product? {
        for _ in 0..<Self.attemptsMaximum {
            guard let current = try await product(id) else { return nil }
            try check(current.version)
            guard let changed = current.changed(by: change, at: .now()) else { return current }
            let outcome = try await store.transition(
                Changes { changes in
                    changes.require(
                        Self.record(id), "version", equals: String(current.version),
                        orElse: BusinessFailure("changed"))
                    changes.set(Self.record(id), changed.fields)
                })
            if outcome == .applied { return changed }
        }
        throw SagaError(.unavailable, "too many changes at once", retry: .later)
    }

    /// Files what a new system shows, all or nothing, unless there are products already.
    func seed(_ products: [Product]) async throws(SagaError) {
        _ = try await store.transition(
            Changes { changes in
                changes.requireAbsent(Self.index, orElse: BusinessFailure("seeded"))
                for product in products { Self.file(product, in: &changes) }
            })
    }

    private static func record(_ id: String) -> RecordName { RecordName("product", id: id) }

    private static func file(_ product: Product, in changes: inout Changes) {
        changes.set(record(product.id), product.fields)
        changes.add(product.id, to: index, score: Double(product.createdAt.milliseconds))
    }

    private static func decoded(
        _ id: String, _ fields: [String: String]
    ) throws(SagaError) -> Product {
        guard let product = Product(id: id, fields: fields) else {
            throw SagaError(.undecodable, "the record of product \(id) is damaged")
        }
        return product
    }
}
