import Gateway
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite(.timeLimit(.minutes(3)))
struct DeployedConfigurationTests {
    static func text() throws -> String {
        let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let bytes = try #require(
            FileManager.default.contents(atPath: "/\(root)/deploy/gateway.yaml"))
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func theFileWeShipIsFaultless() throws {
        let configuration = try GatewayConfiguration(yaml: try Self.text(), file: "gateway.yaml")

        #expect(
            configuration.upstreams.map { $0.targets[0].port } == [
                3001, 3002, 3003, 3004, 3005, 3006,
            ])
        #expect(configuration.routes.count == 14)
        #expect(configuration.invalidation.flatMap(\.events).count == 16)
    }

    @Test func everyValueItShowsAsTheDefaultIsTheDefault() throws {
        let shown = try GatewayConfiguration(yaml: try Self.text(), file: "gateway.yaml")
        let plain = UpstreamConfiguration(name: "orders", targets: shown.upstreams[2].targets)
        var orders = shown.upstreams[2]
        orders.timeout = plain.timeout

        #expect(shown.server == ServerConfiguration())
        #expect(orders == plain)
        #expect(shown.cache.byteLimit == CacheConfiguration().byteLimit)
        #expect(shown.cache.entryLimit == CacheConfiguration().entryLimit)
    }
}
