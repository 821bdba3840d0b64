import OrderContracts
import Saga
import Testing

@testable import PaymentService

@Suite(.timeLimit(.minutes(1)))
struct PaymentTests {
    private let id = OrderID(wellFormed: "o")

    @Test func recordsReadAsTheyWereWritten() throws {
        let money = Money(amount: 20, currency: "EUR")
        let charged = try Payment(id, fields: Payment.charged(money, Charge(id: "ch_1")))
        let failed = try Payment(id, fields: Payment.failed(BusinessFailure("r", "d")))

        #expect(charged?.status == .charged)
        #expect(charged?.amount == money)
        #expect(charged?.chargeID == "ch_1")
        #expect(failed?.status == .failed)
        #expect(failed?.failure == BusinessFailure("r", "d"))
        #expect(failed?.amount == nil)
    }

    @Test func refundKeepsWhatWasCharged() throws {
        var fields = Payment.charged(Money(amount: 20, currency: "EUR"), Charge(id: "ch_1"))
        fields.merge(Payment.refunded) { $1 }

        let payment = try Payment(id, fields: fields)
        #expect(payment?.status == .refunded)
        #expect(payment?.amount?.amount == 20)
    }

    @Test func noFieldsAreNoPaymentAndDamagedOnesAnError() throws {
        #expect(try Payment(id, fields: [:]) == nil)
        #expect(throws: PaymentError.self) {
            try Payment(id, fields: ["status": "paid", "updated": "1"])
        }
        #expect(throws: PaymentError.self) { try Payment(id, fields: ["status": "charged"]) }
    }
}
