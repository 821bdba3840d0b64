/// Why an order ended, or is about to end, without being delivered.
///
/// Reasons are plain texts in snake_case, part of the HTTP interface (`cancellation.reason`).
/// These are ours; payment companies and carriers may have more, which are carried through.
public enum FailureReason {
    /// The payment company refused the card.
    public static let cardDeclined = "card_declined"

    /// The card does not cover the amount.
    public static let insufficientFunds = "insufficient_funds"

    /// The payment company refused for a reason it did not name.
    public static let paymentRefused = "payment_refused"

    /// Nobody could find out in time whether a call to the outside took effect, so it was undone.
    public static let outcomeUnknown = "outcome_unknown"

    /// Less is available than was ordered.
    public static let outOfStock = "out_of_stock"

    /// The carrier does not go there.
    public static let countryNotServed = "country_not_served"

    /// The carrier refused for a reason it did not name.
    public static let shipmentRefused = "shipment_refused"

    /// The client asked for it in time.
    public static let requestedByClient = "requested_by_client"

    /// The order was not completed within its deadline.
    public static let deadlineExceeded = "deadline_exceeded"
}
