import OrderContracts
import Saga

/// The payment of the order that a new system shows.
///
/// The sandbox's books begin with this charge.
enum PaymentSeed {
    /// Files it unless there is one.
    static var changes: Changes {
        Changes { changes in
            changes.requireAbsent(.payment("1"), orElse: BusinessFailure("seeded"))
            changes.set(
                .payment("1"),
                Payment.charged(
                    Money(amount: 1999, currency: "EUR"), Charge(id: "ch_1")))
        }
    }
}
