import Gateway
import Testing

@testable import troupe

/// A gateway beside services that are not at their usual ports.
@Suite(.timeLimit(.minutes(1)))
struct GatewayConfigurationServicesTests {
    private static func targets(
        _ target: String, of name: String = "orders", without: Set<SystemService> = [],
        isOwn: Bool = false
    ) throws -> [String] {
        var configuration = try GatewayConfiguration(
            yaml: """
                upstreams: {\(name): {targets: ["\(target)"]}}
                routes: [{name: all, path: "/{rest}", upstream: \(name)}]
                """, file: "own.yaml")
        configuration.pointUpstreams(
            at: Addresses(gateway: 4000), without: without, ofOwnFile: isOwn)
        return configuration.upstreams.flatMap { $0.targets.map(\.authority) }
    }

    @Test(arguments: ["http://127.0.0.1:3003", "http://localhost:3003"])
    func theUsualPlaceOfAServiceIsWhereItIs(_ target: String) throws {
        #expect(try Self.targets(target) == ["127.0.0.1:4003"])
    }

    @Test(arguments: ["http://127.0.0.1:9003", "http://orders:3003"])
    func anotherPlaceIsWhereTheFileSays(_ target: String) throws {
        #expect(try Self.targets(target) == [String(target.dropFirst("http://".count))])
    }

    @Test func whatIsNotStartedIsWhereTheFileSays() throws {
        let usual = "http://127.0.0.1:3003"

        #expect(try Self.targets(usual, without: [.orders]) == ["127.0.0.1:3003"])
        #expect(try Self.targets(usual, of: "mine") == ["127.0.0.1:3003"])
    }

    @Test func ourOwnFileFollowsTheServicesAlways() throws {
        #expect(try Self.targets("http://127.0.0.1:9003", isOwn: true) == ["127.0.0.1:4003"])
    }
}
