@testable import troupe

/// Ports for a whole system: eight in a row for gateway and services, one more 100 above.
///
/// Below the range that systems give to outgoing connections, and tried before they are used.
enum Ports {
    static func free() async throws -> Addresses {
        for _ in 0..<200 {
            let addresses = Addresses(gateway: Int.random(in: 10_000..<32_000))
            var areFree = true
            for (_, port) in addresses.all() where areFree {
                areFree = await PortProbe.isFree(host: Addresses.host, port: port)
            }
            if areFree { return addresses }
        }
        throw NeverHappened(what: "nine free ports")
    }
}
