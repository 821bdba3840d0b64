import OrderContracts
public import Saga
import SagaHTTP

/// The payment service's part in the order saga: a card is charged once, and refunded if the
/// order comes to nothing.
///
///     OrderCreated ──charge──▶ PaymentProcessed | PaymentFailed
///     ProductReservationFailed, ShippingFailed, OrderCancellationRequested ──▶ PaymentRefunded
///     a charge in the company's books that no ledger knows ──▶ PaymentUnclaimed
extension Participant {
    /// Charges with `company`; a charge without an answer for `giveUpAfter` is taken back.
    ///
    /// - Parameters:
    ///   - atMost: how many calls are made at once.
    ///   - outside: how often the company may be called, and when it counts as down.
    public static func payment(
        company: any PaymentCompany, giveUpAfter: Duration, atMost: Int? = nil,
        calls outside: OutsideCompany? = nil
    ) -> Participant {
        Participant(.order, ServiceName.payment) {
            Perform(
                OrderSaga.charge, giveUpAfter: giveUpAfter, atMost: atMost, calls: outside
            ) { order, context in
                let charge = try await context.calling {
                    try await company.charge(
                        order.total, token: order.payment.token,
                        reference: OrderID(wellFormed: context.sagaID),
                        key: context.idempotencyKey
                    ).get()
                }
                return Transition(PaymentProcessed(order, charge)) {
                    $0.set(.payment(context.sagaID), Payment.charged(order.total, charge))
                }
            } undo: { context in
                let refund = try await context.calling {
                    try await company.refund(
                        chargeKey: context.idempotencyKey,
                        key: context.idempotencyKey(for: "refund"))
                }
                if case .nothingCharged = refund { try await expectNoCharge(context) }
                return Transition(PaymentRefunded(amount: refund.amount)) {
                    $0.set(.payment(context.sagaID), Payment.refunded)
                }
            }
            .reconciled(with: company)
            .onFailure { failure, context in
                Changes { $0.set(.payment(context.sagaID), Payment.failed(failure)) }
            }
        }
    }
}

/// That nothing was charged is true of a charge without an answer only.
private func expectNoCharge(_ context: StepContext) async throws {
    let fields = try await context.records.fields(of: .payment(context.sagaID))
    guard fields["status"] != Payment.Status.charged.rawValue else {
        throw PaymentError(
            .unknownCharge, "The payment company does not know a charge that it made.")
    }
}

extension PaymentProcessed {
    fileprivate init(_ order: OrderCreated, _ charge: Charge) {
        self.init(
            chargeID: charge.id, amount: order.total, userID: order.userID,
            productID: order.productID, quantity: order.quantity, shipping: order.shipping)
    }
}
