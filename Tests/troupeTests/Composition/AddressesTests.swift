import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(3)))
struct AddressesTests {
    @Test func everyoneHasTheUsualPort() {
        let ports = Addresses().all().map { "\($0.name) \($0.port)" }

        #expect(
            ports == [
                "gateway 3000", "users 3001", "products 3002", "orders 3003", "payments 3004",
                "inventory 3005", "shipping 3006", "sandbox 3007", "admin 3100",
            ])
    }

    @Test func anotherFirstPortShiftsAll() {
        let addresses = Addresses(gateway: 4000)

        #expect(addresses.url(of: .sandbox) == "http://127.0.0.1:4007")
        #expect(addresses.admin == 4100)
    }

    @Test func ipv6AddressesStandInBracketsInURLs() {
        let addresses = Addresses(place: .init(host: "::"))

        #expect(addresses.url(of: .orders) == "http://[::1]:3003")
        #expect(Addresses.authority("::1", 3000) == "[::1]:3000")
    }

    @Test func everyServiceIsStarted() {
        #expect(Set(SystemService.startOrder) == Set(SystemService.allCases))
        #expect(SystemService.startOrder.count == SystemService.allCases.count)
    }
}
