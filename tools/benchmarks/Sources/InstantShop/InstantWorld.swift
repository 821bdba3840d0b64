import CloudEvents
import OrderContracts
import OrderService
import PaymentService
import Saga
import ShippingService
import Synchronization

/// A payment company that always agrees, at once.
struct InstantCompany: PaymentCompany {
    func charge(
        _ amount: Money, token: String, reference: OrderID, key: String
    ) async throws(PaymentError) -> Result<Charge, BusinessFailure> {
        .success(Charge(id: UUIDv7.next()))
    }

    func refund(chargeKey: String, key: String) async throws(PaymentError) -> Refund {
        .nothingCharged
    }

    func entries(after cursor: String?, since time: Int64) async throws -> OutsidePage {
        OutsidePage([])
    }

    func entry(under key: String) async throws -> OutsideEntry? { nil }
}

/// A carrier that takes everything, at once, and dispatches it unless it is on strike.
struct InstantCarrier: Carrier {
    let strike: Strike

    func arrange(
        _ parcel: Parcel, key: String
    ) async throws(ShippingError) -> Result<Shipment, BusinessFailure> {
        let id = UUIDv7.next()
        return .success(Shipment(id: id, trackingNumber: "T" + id))
    }

    func cancel(shipmentKey: String, key: String) async throws(ShippingError) -> Cancellation {
        .nothingArranged
    }

    func dispatch(shipmentKey: String, key: String) async throws(ShippingError) -> Dispatch {
        if strike.isOn { throw ShippingError(.unavailable, "the carrier is on strike") }
        return Dispatch(id: UUIDv7.next())
    }

    func entries(after cursor: String?, since time: Int64) async throws -> OutsidePage {
        OutsidePage([])
    }

    func entry(under key: String) async throws -> OutsideEntry? { nil }
}

/// Whether a carrier dispatches anything.
package final class Strike: Sendable {
    private let state = Mutex(false)

    package init() {}

    package var isOn: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

/// One price for everything.
struct InstantCatalog: Catalog {
    func price(of product: ProductID, for user: UserID) async throws(OrderError) -> Money {
        Money(amount: 1990, currency: "EUR")
    }
}
