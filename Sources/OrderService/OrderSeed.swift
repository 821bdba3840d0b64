import OrderContracts
import Saga
import Timekeeping

/// The order that a new system shows: number 1, of user 1, completed long ago.
enum OrderSeed {
    /// Files the order unless there is one of that number.
    static var changes: Changes {
        Changes { changes in
            changes.requireAbsent(.order(order.id.text), orElse: BusinessFailure("seeded"))
            changes.file(order)
        }
    }

    private static var order: Order {
        let placed = Timestamp(milliseconds: 1_767_225_600_000)
        return Order(
            id: OrderID(wellFormed: "1"), userID: UserID(wellFormed: "1"),
            productID: ProductID(wellFormed: "1"), quantity: 1, status: .completed,
            total: Money(amount: 1999, currency: "EUR"), createdAt: placed, updatedAt: placed)
    }
}
