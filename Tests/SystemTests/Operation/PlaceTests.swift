import Testing
import TroupeRedisTestKit

@testable import troupe

/// `--host` and `--admin-host`.
@Suite(.timeLimit(.minutes(2)))
struct PlaceTests {
    #if os(Linux)
        /// All of 127/8 is this machine here, so that other addresses need no setting up.
        @Test func everythingListensWhereItIsTold() async throws {
            let redis = try await RedisServer.launch()
            let addresses = try await Ports.free()
            let up = try LoneProgram(
                "up", ["--admin-host", "127.0.0.3"], port: addresses.gateway,
                variables: ["REDIS_URL": redis.url, "HOST": "127.0.0.2"])

            try await eventually("the gateway finds its neighbours there") {
                let details = "http://127.0.0.2:\(addresses.gateway)/orders/1/details"
                return (try? await Web.get(details))?.status == 200
            }

            let ready = try await Web.get("http://127.0.0.3:\(addresses.admin)/readyz")
            #expect(ready.status == 200)
            for (name, port) in addresses.all() {
                let isFree = await PortProbe.isFree(host: "127.0.0.1", port: port)
                #expect(isFree, "\(name) listens on loopback")
            }
            try await eventually("it says where") {
                up.output.contains("http://127.0.0.2:\(addresses.gateway)")
            }
            await up.close()
            await redis.stop()
        }
    #endif
}
