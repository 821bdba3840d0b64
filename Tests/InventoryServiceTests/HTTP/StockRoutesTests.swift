import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JSONText
import NIOCore
import OrderContracts
import Saga
import SagaHTTP
import SagaRedis
import ServiceHTTP
import Testing
import TroupeRedisTestKit

@testable import InventoryService

@Suite(.redisServer, .timeLimit(.minutes(1)))
struct StockRoutesTests {
    @Test func stockIsSetAndShown() async throws {
        try await withStock { client in
            let put = try await put(client, "/inventory/p", #"{"available":7}"#)
            let got = try await client.execute(uri: "/inventory/p", method: .get)

            #expect(put.status == .ok)
            #expect(put.body == got.body)
            #expect(
                String(buffer: got.body)
                    == #"{"productId":"p","available":7,"reserved":0,"shipped":0}"#)
        }
    }

    @Test func settingLeavesReservedAndShippedAlone() async throws {
        try await withStock { client in
            let before = try await client.execute(uri: "/inventory/1", method: .get)
            #expect(
                String(buffer: before.body)
                    == #"{"productId":"1","available":1000,"reserved":0,"shipped":1}"#)

            let after = try await put(client, "/inventory/1", #"{"available":0}"#)
            #expect(
                String(buffer: after.body)
                    == #"{"productId":"1","available":0,"reserved":0,"shipped":1}"#)
        }
    }

    @Test(arguments: [
        #"{"available":-1}"#, #"{"available":1.5}"#, #"{"available":"1"}"#, #"{"available":null}"#,
        #"{"available":1000000001}"#, #"{}"#, #"{"reserved":1}"#,
    ])
    func faultyCountsAreNamedAndChangeNothing(_ body: String) async throws {
        try await withStock { client in
            let answer = try await put(client, "/inventory/1", body)
            #expect(answer.status == .badRequest)
            let problem = try StrictJSON.parse(Array(answer.body.readableBytesView))
            #expect(problem["errors"]?.array?.first?["pointer"]?.string == "/available")

            let level = try await client.execute(uri: "/inventory/1", method: .get)
            #expect(String(buffer: level.body).contains(#""available":1000"#))
        }
    }

    @Test func whatIsNotThereIsNotFoundAndNoIDIsRefused() async throws {
        try await withStock { client in
            let none = try await client.execute(uri: "/inventory/none", method: .get)
            #expect(none.status == .notFound)
            let long = String(repeating: "1", count: 65)
            for path in ["/inventory/a%20b", "/inventory/%7B1%7D", "/inventory/\(long)"] {
                let answer = try await put(client, path, #"{"available":1}"#)
                #expect(answer.status == .badRequest)
            }
        }
    }

    @Test func seedingAgainChangesNothing() async throws {
        try await withStock { client, runtime in
            _ = try await put(client, "/inventory/5", #"{"available":2}"#)
            await plant(with: runtime)

            let level = try await client.execute(uri: "/inventory/5", method: .get)
            #expect(String(buffer: level.body).contains(#""available":2,"#))
        }
    }

    private func plant(with runtime: SagaRuntime) async {
        await RecordSeed(runtime.store, InventorySeed.changes, logger: .silent).run()
    }

    private func put(
        _ client: any TestClientProtocol, _ path: String, _ body: String
    ) async throws -> TestResponse {
        try await client.execute(
            uri: path, method: .put, headers: [.contentType: "application/json"],
            body: ByteBuffer(string: body))
    }

    private func withStock(
        _ body: @escaping @Sendable (any TestClientProtocol) async throws -> Void
    ) async throws {
        try await withStock { client, _ in try await body(client) }
    }

    private func withStock(
        _ body: @escaping @Sendable (any TestClientProtocol, SagaRuntime) async throws -> Void
    ) async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            var configuration = SagaRuntimeConfiguration()
            configuration.namespace = prefix
            let runtime = try SagaRuntime(
                .inventory(), redis: redis, configuration: configuration, logger: .silent)
            await plant(with: runtime)
            let stock = Stock(runtime: runtime)
            let router = StockRoutes(stock: stock).router(logger: .silent)
            try await Application(router: router, logger: .silent).test(.router) { client in
                try await body(client, runtime)
            }
        }
    }
}
