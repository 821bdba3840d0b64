import Saga
import SagaTestKit

/// The shop's participants as declarations alone: they do nothing.
enum OrderSaga {
    static let payment = Participant(ShopRoute.route, "payment") {
        Perform(ShopRoute.charge) { _, _ in
            Transition(PaymentProcessed())
        } undo: { _ in
            Transition(PaymentRefunded())
        }
    }

    static let inventory = Participant(ShopRoute.route, "inventory") {
        Perform(ShopRoute.reserve) { _, context in
            Transition(ProductReserved()) { changes in
                changes.set("reservation:\(context.sagaID)", ["quantity": "1"])
            }
        } undo: { _ in
            Transition(ProductReleased())
        }
        .finish(ShopRoute.ship) { _, _ in Transition(ProductShipped()) }
    }

    static let shipping = Participant(ShopRoute.route, "shipping") {
        Perform(ShopRoute.arrange) { _, _ in
            Transition(ShipmentArranged())
        } undo: { _ in
            Transition(ShipmentCancelled())
        }
        .finish(ShopRoute.dispatch) { _, _ in Transition(ShipmentDispatched()) }
    }

    static let order = Participant(ShopRoute.route, "order") {
        Oversee(ShopRoute.ends, deadline: .seconds(30)) { _, _ in Transition(OrderCompleted()) }
    }

    static let all = [order, payment, inventory, shipping]
}
