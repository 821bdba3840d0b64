import OrderContracts
import Testing

@testable import OrderService

@Suite(.timeLimit(.minutes(1)))
struct OrderRequestTests {
    @Test func fingerprintsTellRequestsApart() {
        let shifted = [
            OrderRequest.order(), .order(product: "2"), .order(quantity: 2),
            .order(token: "tok_flaky"), .order(country: "DE"),
        ]
        #expect(Set(shifted.map(\.fingerprint)).count == shifted.count)
        #expect(OrderRequest.order().fingerprint == OrderRequest.order().fingerprint)
    }

    @Test func fingerprintsDoNotRunFieldsTogether() {
        var one = OrderRequest.order()
        var other = one
        (one.shipping.street, one.shipping.city) = ("ab", "c")
        (other.shipping.street, other.shipping.city) = ("a", "bc")

        #expect(one.fingerprint != other.fingerprint)
    }
}
