import OrderContracts
public import Saga

/// The inventory's part in the order saga: pieces are set aside, then shipped or put back.
///
///     PaymentProcessed ──reserve──▶ ProductReserved | ProductReservationFailed
///     ShippingFailed, OrderCancellationRequested ──▶ ProductReleased
///     OrderCompleted ──▶ ProductShipped: reserved becomes shipped
extension Participant {
    /// Works on records alone: conditions and writes happen in one transition.
    public static func inventory() -> Participant {
        Participant(.order, ServiceName.inventory) {
            Perform(OrderSaga.reserve) { order, context in
                Transition(ProductReserved(order)) { changes in
                    changes.require(
                        .stock(order.productID), "available", atLeast: order.quantity,
                        orElse: .outOfStock(order.productID, order.quantity))
                    changes.move(
                        order.quantity, of: order.productID, from: "available", to: "reserved")
                    changes.set(
                        .reservation(context.sagaID),
                        ["product": order.productID.text, "quantity": String(order.quantity)])
                }
            } undo: { context in
                let fields = try await context.records.fields(of: .reservation(context.sagaID))
                guard let reservation = try Reservation(fields, of: context.sagaID) else {
                    return Transition(ProductReleased())
                }
                return Transition(ProductReleased(reservation)) { changes in
                    changes.move(
                        reservation.quantity, of: reservation.productID, from: "reserved",
                        to: "available")
                    changes.delete(.reservation(context.sagaID))
                }
            }
            .finish(OrderSaga.ship) { order, context in
                let event = ProductShipped(productID: order.productID, quantity: order.quantity)
                return Transition(event) { changes in
                    changes.move(
                        order.quantity, of: order.productID, from: "reserved", to: "shipped")
                    changes.delete(.reservation(context.sagaID))
                }
            }
        }
    }
}

/// What one order has set aside.
///
/// It exists as long as the pieces are counted as reserved.
private struct Reservation {
    var productID: ProductID
    var quantity: Int

    /// Reads a record; nil if there is none, an error if it is not one.
    init?(_ fields: [String: String], of orderID: String) throws(InventoryError) {
        guard !fields.isEmpty else { return nil }
        guard let product = fields["product"].flatMap(ProductID.init),
            let quantity = Pieces.read(fields["quantity"])
        else {
            throw InventoryError(
                .damagedRecord, "The reservation of order \(orderID) is damaged.")
        }
        productID = product
        self.quantity = quantity
    }
}

extension RecordName {
    /// Names the hash `{inventory}:reservation:<order>` with `product quantity`.
    fileprivate static func reservation(_ orderID: String) -> RecordName {
        "reservation:\(orderID)"
    }
}

extension Changes {
    /// Takes pieces from one count and adds them to another of the same product.
    ///
    /// Their number has been judged where it was read, and so has a negative.
    fileprivate mutating func move(
        _ quantity: Int, of product: ProductID, from source: String, to target: String
    ) {
        increment(.stock(product), source, by: -quantity)
        increment(.stock(product), target, by: quantity)
    }
}

extension BusinessFailure {
    fileprivate static func outOfStock(_ product: ProductID, _ quantity: Int) -> BusinessFailure {
        BusinessFailure(
            FailureReason.outOfStock, "Fewer than \(quantity) of product \(product) are available.")
    }
}

extension ProductReserved {
    fileprivate init(_ order: PaymentProcessed) {
        self.init(
            userID: order.userID, productID: order.productID, quantity: order.quantity,
            shipping: order.shipping)
    }
}

extension ProductReleased {
    fileprivate init(_ reservation: Reservation) {
        self.init(productID: reservation.productID, quantity: reservation.quantity)
    }
}
