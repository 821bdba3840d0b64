/// Who listens where: the gateway at a port, the services behind it, the admin port at + 100.
struct Addresses: Sendable {
    static let host = "127.0.0.1"
    static let firstPort = 3_000
    /// So that the admin port, 100 above, is still a port.
    static let firstPortHighest = 65_435

    var gateway = Self.firstPort

    var admin: Int { gateway + 100 }

    func port(of service: ServiceName) -> Int { gateway + service.offset }

    func url(of service: ServiceName) -> String { "http://\(Self.host):\(port(of: service))" }

    /// All ports of `up` with their names, in the order of the table.
    func all(without excluded: Set<ServiceName> = []) -> [(name: String, port: Int)] {
        [("gateway", gateway)]
            + ServiceName.allCases.filter { !excluded.contains($0) }
            .map { ($0.rawValue, port(of: $0)) } + [("admin", admin)]
    }
}

/// The services of the order system, in the order of their ports.
enum ServiceName: String, CaseIterable, Sendable {
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
}

extension ServiceName {
    /// Whoever is called starts before who calls; all stop in reverse.
    static let startOrder: [ServiceName] = [
        .sandbox, .users, .products, .inventory, .shipping, .payments, .orders,
    ]
}
