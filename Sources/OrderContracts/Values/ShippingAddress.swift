/// Where an order goes.
public struct ShippingAddress: Codable, Hashable, Sendable {
    /// Street and house number.
    public var street: String

    /// Town.
    public var city: String

    /// Postal code as the country writes it; empty where an address has none.
    public var postcode: String

    /// Two capital letters, as ISO 3166-1 writes them.
    public var country: String

    /// An address.
    ///
    /// Nothing is checked: validate what comes from outside at the edge.
    public init(street: String, city: String, postcode: String, country: String) {
        self.street = street
        self.city = city
        self.postcode = postcode
        self.country = country
    }
}
