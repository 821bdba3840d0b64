package import Saga

/// A shop whose courses of events are simulated: who takes part, how an order begins, and where
/// its stock is kept.
///
///     ShopSimulation ──▶ orders, cancellations, misfortune, the judge      the same for all
///           │
///     SimulatedTrade ──▶ participants on simulated companies               each its own
///
/// Every one has the same four: `order`, which oversees, `payment` with its step `charge`,
/// `inventory`, and `shipping` with its step `arrange`, which is dispatched in the end.
package protocol SimulatedTrade: Sendable {
    /// The name of its route, which stands in the keys of its calls.
    var route: String { get }
    /// All four.
    var participants: [Participant] { get }

    /// Lays pieces in stock.
    func stockUp(_ count: Int, in data: inout MemoryData)

    /// Where the stock is counted, as `available`, `reserved` and `shipped`.
    var stock: RecordName { get }

    /// Begins an order, as the one who takes orders does.
    func begin(_ order: SimulatedOrder, on runtime: SagaRuntime) async throws

    /// Whether there are orders without a country, of which nothing is shipped.
    var hasDownloads: Bool { get }

    /// The name of another route of payments and of the service that owns it, whose sagas have IDs
    /// of orders; nil if there is none.
    var renewals: String? { get }

    /// Begins a saga of that route.
    func renew(_ id: String, on runtime: SagaRuntime) async throws

    /// What its stock counts besides, once these orders are completed.
    func furtherStock(of completed: [SimulatedOrder]) -> [String: Int]

    /// What its records say that is not so, now that all is quiet.
    ///
    /// - Parameter mayBeForgotten: whether the store has gone back, so that records may be missing.
    func faults(
        of order: SimulatedOrder, isCompleted: Bool, mayBeForgotten: Bool, in data: MemoryData
    ) -> [String]
}

/// What a simulated client wants.
package struct SimulatedOrder: Hashable, Sendable {
    package var id: String
    /// Whether its card is refused.
    package var isDeclined: Bool
    /// Where it goes; nobody delivers to `AQ`.
    package var country: String
    package var quantity: Int
    package var isGift: Bool
}

extension SimulatedTrade {
    package var hasDownloads: Bool { false }

    package var renewals: String? { nil }

    package func renew(_ id: String, on runtime: SagaRuntime) async throws {}

    package func furtherStock(of completed: [SimulatedOrder]) -> [String: Int] { [:] }
}

/// Who moves the money and the goods, whatever becomes of the store.
package struct SimulatedCompanies: Sendable {
    package let bank: SimulatedCompany
    package let carrier: SimulatedCompany
    /// What has left, under keys that begin like those of the carrier's.
    package let dispatch: SimulatedCompany

    package init(_ simulation: Simulation) {
        bank = SimulatedCompany(simulation)
        let dispatch = SimulatedCompany(simulation)
        self.dispatch = dispatch
        carrier = SimulatedCompany(simulation) { dispatch.stands($0 + ":dispatch") }
    }

    /// Whether no call is on its way any more that nobody waits for.
    var isAtRest: Bool { bank.isAtRest && carrier.isAtRest && dispatch.isAtRest }
}
