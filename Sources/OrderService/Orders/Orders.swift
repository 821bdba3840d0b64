import CloudEvents
public import OrderContracts
public import Saga
import Timekeeping

/// Takes orders, shows them and takes them back.
///
/// The one way into the order service: the HTTP routes use it, and so does whoever places orders
/// inside the process.
public struct Orders: Sendable {
    private let runtime: SagaRuntime
    private let catalog: any Catalog

    /// The orders that `runtime` runs, which must run the participant `order`.
    public init(runtime: SagaRuntime, catalog: any Catalog) {
        self.runtime = runtime
        self.catalog = catalog
    }

    // MARK: - Placing

    /// What became of a request for an order.
    public struct Placement: Equatable, Sendable {
        /// The order as it stands now.
        public var order: Order
        /// Whether the order had been placed before, under the same key.
        public var isReplay: Bool
    }

    /// Checks the order with the catalog, prices it and begins its saga.
    ///
    /// Key, order, index entries, deadline and `OrderCreated` come to be in one transition, or
    /// none of them does. With a key that was used within the last day the earlier order comes
    /// back, provided that it asked for the same; otherwise `keyReused` is thrown. While so many
    /// orders are under way that a new one could not end in time, `overloaded` is.
    ///
    /// - Parameters:
    ///   - key: the client's name for this attempt, if it gave one.
    ///   - traceparent: the trace that the saga's events shall belong to.
    public func place(
        _ request: OrderRequest, key: IdempotencyKey? = nil, traceparent: String? = nil
    ) async throws(OrderError) -> Placement {
        if let key, let earlier = try await earlierOrder(request, key) {
            return Placement(order: earlier, isReplay: true)
        }
        if let pause = await runtime.load().retryAfter {
            throw OrderError(
                .overloaded, "Too many orders are under way to end this one in time.",
                retryAfter: pause)
        }
        let order = try await priced(request)
        let outcome = try await translated { () async throws(SagaError) in
            try await runtime.begin(
                order.id.text, OrderCreated(request, total: order.total),
                changes: Self.changes(placing: order, request, key), traceparent: traceparent)
        }
        if case .applied = outcome { return Placement(order: order, isReplay: false) }
        guard let key, let earlier = try await earlierOrder(request, key) else {
            throw OrderError(
                .unavailable, "The order could not be placed; it may work the next time.")
        }
        return Placement(order: earlier, isReplay: true)
    }

    private func priced(_ request: OrderRequest) async throws(OrderError) -> Order {
        let price = try await catalog.price(of: request.productID, for: request.userID)
        guard let total = price.times(request.quantity), total.amount <= Self.largestTotal else {
            throw OrderError(
                .totalTooLarge,
                "The total is more than \(Self.largestTotal) minor units, the most that can be "
                    + "charged at once.")
        }
        let now = Timestamp.now()
        return Order(
            id: OrderID(wellFormed: UUIDv7.next()), userID: request.userID,
            productID: request.productID, quantity: request.quantity, status: .pending,
            total: total, createdAt: now, updatedAt: now)
    }

    /// Ten thousand million euros; payment companies take no more at once.
    private static let largestTotal = 1_000_000_000_000

    private static func changes(
        placing order: Order, _ request: OrderRequest, _ key: IdempotencyKey?
    ) -> Changes {
        Changes { changes in
            changes.file(order)
            guard let key else { return }
            changes.requireAbsent(.key(key), orElse: BusinessFailure("idempotency_key_used"))
            changes.set(
                .key(key), text: "\(order.id) \(request.fingerprint)",
                timeToLive: IdempotencyKey.lifetime)
        }
    }

    /// The order that was placed under the key, if one was.
    private func earlierOrder(
        _ request: OrderRequest, _ key: IdempotencyKey
    ) async throws(OrderError) -> Order? {
        let note = try await translated { () async throws(SagaError) in
            try await runtime.records.text(of: .key(key))
        }
        guard let parts = note?.split(separator: " "), parts.count == 2,
            let id = OrderID(String(parts[0]))
        else { return nil }
        guard parts[1] == request.fingerprint else {
            throw OrderError(
                .keyReused, "This Idempotency-Key was used for another order within the last day.")
        }
        return try await order(id)
    }

    // MARK: - Looking

    /// The order as it stands.
    public func order(_ id: OrderID) async throws(OrderError) -> Order {
        let fields = try await translated { () async throws(SagaError) in
            try await runtime.records.fields(of: .order(id.text))
        }
        guard let order = try Order(id, fields: fields) else {
            throw OrderError(.unknownOrder, "There is no order \(id).")
        }
        return order
    }

    /// The order as soon as it has ended, or as it stands when the time is over.
    public func order(_ id: OrderID, endedWithin limit: Duration) async throws(OrderError) -> Order
    {
        _ = try await translated { () async throws(SagaError) in
            try await runtime.outcome(of: id.text, within: limit)
        }
        return try await order(id)
    }

    /// A page of a user's orders, or of all, newest first.
    ///
    /// - Parameters:
    ///   - last: the last order of the page before, if this is not the first.
    ///   - limit: how many at most.
    public func list(
        of userID: UserID? = nil, after last: OrderID? = nil, limit: Int
    ) async throws(OrderError) -> [Order] {
        if let last { _ = try await order(last) }
        let index = userID.map(RecordName.orders(of:)) ?? .allOrders
        let ids = try await translated { () async throws(SagaError) in
            try await runtime.records.members(of: index, after: last?.text, limit: limit)
        }.compactMap(OrderID.init)
        let records = try await translated { () async throws(SagaError) in
            try await runtime.records.fields(ofAll: ids.map { .order($0.text) })
        }
        var orders: [Order] = []
        for (id, fields) in zip(ids, records) {
            if let order = try Order(id, fields: fields) { orders.append(order) }
        }
        return orders
    }

    // MARK: - Cancelling

    /// Asks that the order be undone, which is safe at any moment of its saga.
    ///
    /// The answer's status is `cancelling`, or `cancelled` if it already is; a completed order
    /// throws `tooLate`.
    public func cancel(
        _ id: OrderID, traceparent: String? = nil
    ) async throws(OrderError) -> Order {
        let outcome = try await translated { () async throws(SagaError) in
            try await runtime.requestCancellation(
                of: id.text,
                reason: BusinessFailure(
                    FailureReason.requestedByClient, "The client cancelled the order."),
                traceparent: traceparent)
        }
        let order = try await order(id)
        guard outcome != .tooLate, order.status != .completed else {
            throw OrderError(
                .tooLate, "Order \(id) is completed and cannot be cancelled any more.")
        }
        return order
    }

    /// What an error of the engine means here.
    private func translated<Value>(
        _ body: () async throws(SagaError) -> Value
    ) async throws(OrderError) -> Value {
        do {
            return try await body()
        } catch {
            throw OrderError(error)
        }
    }
}

extension Changes {
    /// Writes a new order's record and puts it into the indexes.
    mutating func file(_ order: Order) {
        set(.order(order.id.text), order.fields)
        for index in [RecordName.orders(of: order.userID), .allOrders] {
            add(order.id.text, to: index, score: Double(order.createdAt.milliseconds))
        }
    }
}

extension OrderCreated {
    fileprivate init(_ request: OrderRequest, total: Money) {
        self.init(
            userID: request.userID, productID: request.productID, quantity: request.quantity,
            total: total, payment: request.payment, shipping: request.shipping)
    }
}
