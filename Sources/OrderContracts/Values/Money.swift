/// An amount in minor units (cents) with its ISO 4217 currency.
///
/// Never a fraction, never a float.
public struct Money: Codable, Hashable, Sendable {
    /// Minor units: 1250 EUR is twelve euros fifty.
    public var amount: Int

    /// Three capital letters, as ISO 4217 writes them.
    public var currency: String

    /// An amount of a currency.
    ///
    /// Nothing is checked: validate what comes from outside at the edge.
    public init(amount: Int, currency: String) {
        self.amount = amount
        self.currency = currency
    }

    /// The amount times a quantity, or nil if the product does not fit an `Int`.
    public func times(_ quantity: Int) -> Money? {
        let (product, overflow) = amount.multipliedReportingOverflow(by: quantity)
        return overflow ? nil : Money(amount: product, currency: currency)
    }
}
