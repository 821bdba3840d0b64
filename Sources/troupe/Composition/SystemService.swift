/// The services of the order system, in the order of their ports.
enum SystemService: String, CaseIterable, Sendable {
    case users, products, orders, payments, inventory, shipping, sandbox

    static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }

    /// Its distance from the gateway's port.
    var offset: Int {
        switch self {
        case .users: 1
        case .products: 2
        case .orders: 3
        case .payments: 4
        case .inventory: 5
        case .shipping: 6
        case .sandbox: 7
        }
    }

    /// Whoever is called starts before who calls; all stop in reverse.
    static let startOrder: [SystemService] = [
        .sandbox, .users, .products, .inventory, .shipping, .payments, .orders,
    ]
}
