import Gateway

/// Who listens where: the gateway at a port, the services behind it, the admin port at + 100.
struct Addresses: Sendable {
    static let host = "127.0.0.1"
    static let firstPort = 3_000
    /// So that the admin port, 100 above, is still a port.
    static let firstPortHighest = 65_435

    /// On which of this machine's addresses everything listens.
    struct Place: Hashable, Sendable {
        var host = Addresses.host
        var adminHost = Addresses.host
    }

    var gateway = Self.firstPort
    var place = Place()

    var admin: Int { Self.admin(of: gateway) }

    /// Where the process tells how it is that serves at a port.
    static func admin(of port: Int) -> Int { port + 100 }

    func port(of service: SystemService) -> Int { gateway + service.offset }

    func url(of service: SystemService) -> String {
        "http://\(Self.authority(callHost, port(of: service)))"
    }

    /// Where one of `all` listens.
    func host(of name: String) -> String { name == "admin" ? place.adminHost : place.host }

    /// Where our own processes find each other.
    var callHost: String { Self.reached(place.host) }

    /// How a listener at `host` is reached from this machine.
    static func reached(_ host: String) -> String {
        switch host {
        case "0.0.0.0": "127.0.0.1"
        case "::": "::1"
        default: host
        }
    }

    /// Host and port as they stand in a URL.
    static func authority(_ host: String, _ port: Int) -> String {
        UpstreamTarget(host: host, port: port).authority
    }

    /// All ports of `up` with their names, in the order of the table.
    func all(without excluded: Set<SystemService> = []) -> [(name: String, port: Int)] {
        [("gateway", gateway)]
            + SystemService.allCases.filter { !excluded.contains($0) }
            .map { ($0.rawValue, port(of: $0)) } + [("admin", admin)]
    }
}
