import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JSONText
import Logging
import NIOCore
import OrderContracts
import Saga
import SagaRedis
import ServiceHTTP
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import PaymentService

@Suite(.redisServer, .timeLimit(.minutes(1)))
struct PaymentRoutesTests {
    @Test func paymentsAreShownAsTheyStand() async throws {
        try await withPayments { client, store in
            let money = Money(amount: 20, currency: "EUR")
            _ = try await store.transition(
                Changes {
                    $0.set(.payment("a"), Payment.charged(money, Charge(id: "ch_1")))
                    $0.set(.payment("b"), Payment.failed(BusinessFailure("r", "d")))
                })

            let charged = try await get(client, "/payments/a")
            #expect(charged["orderId"]?.string == "a")
            #expect(charged["status"]?.string == "charged")
            #expect(charged["amount"]?["amount"]?.integer == 20)
            #expect(charged["amount"]?["currency"]?.string == "EUR")
            #expect(charged["chargeId"]?.string == "ch_1")
            #expect(charged["updatedAt"]?.string?.count == 24)
            let failed = try await get(client, "/payments/b")
            #expect(failed["status"]?.string == "failed")
            #expect(failed["failure"]?["reason"]?.string == "r")
        }
    }

    @Test func whatIsNotThereIsNotFoundAndNoIDIsRefused() async throws {
        try await withPayments { client, _ in
            #expect(
                try await client.execute(uri: "/payments/none", method: .get).status == .notFound)
            for path in ["/payments/a%20b", "/payments/%7Ba%7D", "/payments/a%0A"] {
                let status = try await client.execute(uri: path, method: .get).status
                #expect(status == .badRequest)
            }
            let wrong = try await client.execute(uri: "/payments/a", method: .put)
            #expect(wrong.status == .methodNotAllowed)
            #expect(wrong.headers[.allow] == "GET, HEAD")
        }
    }

    private func get(_ client: any TestClientProtocol, _ path: String) async throws -> StrictJSON {
        let answer = try await client.execute(uri: path, method: .get)
        #expect(answer.status == .ok)
        return try StrictJSON.parse(Array(answer.body.readableBytesView))
    }

    private func withPayments(
        _ body: @escaping @Sendable (any TestClientProtocol, RecordStore) async throws -> Void
    ) async throws {
        try await RedisServer.current.withKeyspace { redis, prefix in
            let store = RecordStore(service: "payment", redis: redis, namespace: prefix)
            let logger = Logger.silent
            let router = PaymentRoutes(records: store.reader).router(logger: logger)
            try await Application(router: router, logger: logger).test(.router) { client in
                try await body(client, store)
            }
        }
    }
}
