public import OrderContracts
public import Saga

/// Shows how much of a product there is, and sets how much is available.
public struct Stock: Sendable {
    private let runtime: SagaRuntime

    /// The stock that `runtime` keeps, which must run ``Saga/Participant/inventory()``.
    public init(runtime: SagaRuntime) {
        self.runtime = runtime
    }

    /// How much there is, or nil if it was never set for the product.
    public func level(of product: ProductID) async throws(InventoryError) -> StockLevel? {
        let fields = try await translated { () async throws(SagaError) in
            try await runtime.records.fields(of: .stock(product))
        }
        return try StockLevel(product, fields: fields)
    }

    /// Sets how much can be ordered from now on; what is reserved or shipped stays as it is.
    ///
    /// In one transition, so that it falls before or after every reservation, never into one.
    public func setAvailable(
        _ available: Int, of product: ProductID
    ) async throws(InventoryError) -> StockLevel {
        _ = try await translated { () async throws(SagaError) in
            try await runtime.store.transition(
                Changes { $0.set(.stock(product), ["available": String(available)]) })
        }
        guard let level = try await level(of: product) else {
            throw InventoryError(
                .damagedRecord, "The stock of product \(product) was set and is gone again.")
        }
        return level
    }

    private func translated<Value>(
        _ body: () async throws(SagaError) -> Value
    ) async throws(InventoryError) -> Value {
        do {
            return try await body()
        } catch {
            throw InventoryError(error)
        }
    }
}
