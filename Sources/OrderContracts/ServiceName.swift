/// The services' names in keys, streams, event sources and consumer groups.
///
/// Never to be changed: what stands in Redis is found by them.
public enum ServiceName {
    /// Keeps the orders and decides how their sagas end.
    public static let order = "order"

    /// The route of the sagas that they take part in, as idempotency keys name it.
    public static let route = "order"

    /// Charges and refunds.
    public static let payment = "payment"

    /// Reserves, releases and ships stock.
    public static let inventory = "inventory"

    /// Arranges, cancels and dispatches shipments.
    public static let shipping = "shipping"
}
