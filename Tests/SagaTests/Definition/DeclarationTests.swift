import Saga
import SagaTestKit
import Testing

@Suite(.timeLimit(.minutes(1)))
struct DeclarationTests {
    @Test func anOwnerDeclaresAlsoWhatItSaysByItself() throws {
        let declaration = Declaration(try ParticipantPlan(OrderSaga.order))

        #expect(
            declaration.emits == [
                "OrderCancellationRequested/1", "OrderCancelled/1", "OrderCancelling/1",
                "OrderCompleted/1", "OrderCreated/1", "OrderDeadlineReached/1",
            ])
        #expect(declaration.consumes.contains("payment.PaymentFailed/1"))
        #expect(declaration.consumes.contains("order.OrderDeadlineReached/1"))
        #expect(declaration.route == "saga " + RouteDigest(ShopRoute.route).hexadecimal)
    }

    @Test func whatStandsForItIsOfFourFields() throws {
        let declaration = Declaration(try ParticipantPlan(OrderSaga.inventory))

        #expect(
            declaration.fields == [
                "emits": "ProductReleased/1 ProductReservationFailed/1 ProductReserved/1 "
                    + "ProductShipped/1",
                "consumes": "order.OrderCancellationRequested/1 order.OrderCancelled/1 "
                    + "order.OrderCompleted/1 payment.PaymentProcessed/1 shipping.ShippingFailed/1",
                "route": declaration.route, "asks": "",
            ])
    }
}
