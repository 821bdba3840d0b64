import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JSONText
import Logging
import NIOCore
import Saga
import SagaRedis
import ServiceHTTP
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import ShippingService

@Suite(.redisServer, .timeLimit(.minutes(1)))
struct ShipmentRoutesTests {
    @Test func shipmentsAreShownAsTheyStand() async throws {
        try await withShipments { client, store in
            let shipment = Shipment(id: "sh_1", trackingNumber: "T1")
            _ = try await store.transition(
                Changes {
                    $0.set(.shipment("a"), ShipmentState.arranged(shipment))
                    $0.set(.shipment("a"), ShipmentState.dispatched)
                    $0.set(.shipment("b"), ShipmentState.failed(BusinessFailure("r", "d")))
                })

            let sent = try await get(client, "/shipments/a")
            #expect(sent["orderId"]?.string == "a")
            #expect(sent["status"]?.string == "dispatched")
            #expect(sent["shipmentId"]?.string == "sh_1")
            #expect(sent["trackingNumber"]?.string == "T1")
            #expect(sent["updatedAt"]?.string?.count == 24)
            let failed = try await get(client, "/shipments/b")
            #expect(failed["status"]?.string == "failed")
            #expect(failed["failure"]?["reason"]?.string == "r")
        }
    }

    @Test func whatIsNotThereIsNotFoundAndNoIDIsRefused() async throws {
        try await withShipments { client, _ in
            #expect(
                try await client.execute(uri: "/shipments/none", method: .get).status == .notFound)
            for path in ["/shipments/a%20b", "/shipments/%7Ba%7D", "/shipments/a%0A"] {
                let status = try await client.execute(uri: path, method: .get).status
                #expect(status == .badRequest)
            }
            let wrong = try await client.execute(uri: "/shipments/a", method: .put)
            #expect(wrong.status == .methodNotAllowed)
            #expect(wrong.headers[.allow] == "GET, HEAD")
        }
    }

    private func get(_ client: any TestClientProtocol, _ path: String) async throws -> StrictJSON {
        let answer = try await client.execute(uri: path, method: .get)
        #expect(answer.status == .ok)
        return try StrictJSON.parse(Array(answer.body.readableBytesView))
    }

    private func withShipments(
        _ body: @escaping @Sendable (any TestClientProtocol, RecordStore) async throws -> Void
    ) async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let store = RecordStore(service: "shipping", redis: redis, namespace: prefix)
            let logger = Logger.silent
            let router = ShipmentRoutes(records: store.reader).router(logger: logger)
            try await Application(router: router, logger: logger).test(.router) { client in
                try await body(client, store)
            }
        }
    }
}
