import InventoryService
import OrderContracts
import PaymentService
import Saga
import SagaTestKit
import ShippingService
import Timekeeping

@testable import OrderService

/// The order system's own four participants, on simulated companies.
struct SimulatedServices: SimulatedTrade {
    private static let product = ProductID(wellFormed: "lamp")
    private static let price = 2000

    let participants: [Participant]

    init(_ companies: SimulatedCompanies) {
        participants = [
            .order(deadline: .seconds(30)),
            .payment(company: SimulatedBank(books: companies.bank), giveUpAfter: .seconds(8)),
            .inventory(),
            .shipping(
                carrier: SimulatedCarrier(books: companies.carrier, dispatch: companies.dispatch),
                giveUpAfter: .seconds(8)),
        ]
    }

    var route: String { Route.order.name }

    // MARK: - Orders

    func begin(_ order: SimulatedOrder, on runtime: SagaRuntime) async throws {
        let total = Money(amount: Self.price * order.quantity, currency: "EUR")
        let record = Order(
            id: OrderID(wellFormed: order.id), userID: UserID(wellFormed: "1"),
            productID: Self.product, quantity: order.quantity, status: .pending, total: total,
            createdAt: Timestamp(milliseconds: 0), updatedAt: Timestamp(milliseconds: 0))
        let event = OrderContracts.OrderCreated(
            userID: record.userID, productID: record.productID, quantity: record.quantity,
            total: total,
            payment: PaymentMethod(token: order.isDeclined ? "tok_declined" : "tok_visa"),
            shipping: ShippingAddress(
                street: "Straße 1", city: "Ort", postcode: "12345", country: order.country))
        _ = try await runtime.begin(order.id, event, changes: Changes { $0.file(record) })
    }

    // MARK: - What they keep

    var stock: RecordName { "stock:\(Self.product)" }

    func stockUp(_ count: Int, in data: inout MemoryData) {
        data.set("inventory", stock, .hash(["available": "\(count)"]))
    }

    /// What clients are shown.
    func faults(
        of order: SimulatedOrder, isCompleted: Bool, mayBeForgotten: Bool, in data: MemoryData
    ) -> [String] {
        let shown = [
            ("order", "order", isCompleted ? ["completed"] : ["cancelled"]),
            ("payment", "payment", isCompleted ? ["charged"] : ["failed", "refunded"]),
            ("shipping", "shipment", isCompleted ? ["dispatched"] : ["failed", "cancelled"]),
        ]
        var faults: [String] = []
        for (service, name, wanted) in shown {
            guard let status = fields(service, "\(name):\(order.id)", data)["status"] else {
                // Of a cancelled order, the others may never have heard.
                let isMissed = isCompleted || service == "order"
                if isMissed, !mayBeForgotten { faults.append("no \(name) \(order.id) is shown") }
                continue
            }
            if !wanted.contains(status) {
                faults.append("\(name) \(order.id) is shown as \(status)")
            }
        }
        if !fields("inventory", "reservation:\(order.id)", data).isEmpty {
            faults.append("the reservation of \(order.id) is left")
        }
        return faults
    }

    private func fields(
        _ service: String, _ name: String, _ data: MemoryData
    ) -> [String: String] {
        guard case .hash(let fields)? = data.records["\(service):\(name)"] else { return [:] }
        return fields
    }
}

/// A payment company whose answers a seed decides.
private struct SimulatedBank: PaymentCompany {
    let books: SimulatedCompany

    func charge(
        _ amount: Money, token: String, reference: OrderID, key: String
    ) async throws(PaymentError) -> Result<Charge, BusinessFailure> {
        do {
            if token == "tok_declined" { try await books.refuse(FailureReason.cardDeclined) }
            try await books.act(key)
            return .success(Charge(id: "ch_\(key)"))
        } catch let failure as BusinessFailure {
            return .failure(failure)
        } catch {
            throw PaymentError(.unavailable, "no answer", cause: error)
        }
    }

    func refund(chargeKey: String, key: String) async throws(PaymentError) -> Refund {
        do {
            let wasCharged = try await books.undo(chargeKey, under: key)
            return wasCharged ? .refunded(Money(amount: 1, currency: "EUR")) : .nothingCharged
        } catch {
            throw PaymentError(.unavailable, "no answer", cause: error)
        }
    }

    func entries(after cursor: String?, since time: Int64) async throws -> OutsidePage {
        try await books.entries(after: cursor, since: time)
    }

    func entry(under key: String) async throws -> OutsideEntry? {
        try await books.entry(under: key)
    }
}

/// A carrier whose answers a seed decides.
private struct SimulatedCarrier: Carrier {
    let books: SimulatedCompany
    let dispatch: SimulatedCompany

    func arrange(
        _ parcel: Parcel, key: String
    ) async throws(ShippingError) -> Result<Shipment, BusinessFailure> {
        do {
            if parcel.address.country == "AQ" {
                try await books.refuse(FailureReason.countryNotServed)
            }
            try await books.act(key)
            return .success(Shipment(id: "sh_\(key)", trackingNumber: "T\(key)"))
        } catch let failure as BusinessFailure {
            return .failure(failure)
        } catch {
            throw ShippingError(.unavailable, "no answer", cause: error)
        }
    }

    func cancel(shipmentKey: String, key: String) async throws(ShippingError) -> Cancellation {
        if PlantedFault.isPlanted(.undoIsImpossible) { return .cancelled }
        do {
            let wasArranged = try await books.undo(shipmentKey, under: key)
            return wasArranged ? .cancelled : .nothingArranged
        } catch {
            throw ShippingError(.unavailable, "no answer", cause: error)
        }
    }

    func dispatch(shipmentKey: String, key: String) async throws(ShippingError) -> Dispatch {
        do {
            try await dispatch.act(key)
            return Dispatch(id: "di_\(key)")
        } catch {
            throw ShippingError(.unavailable, "no answer", cause: error)
        }
    }

    func entries(after cursor: String?, since time: Int64) async throws -> OutsidePage {
        try await books.entries(after: cursor, since: time)
    }

    func entry(under key: String) async throws -> OutsideEntry? {
        try await books.entry(under: key)
    }
}
