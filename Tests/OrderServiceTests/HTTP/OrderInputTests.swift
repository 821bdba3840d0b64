import OrderContracts
import OrderService
import Testing
import TroupeRedisTestKit

/// What must not become an order: each faulty field is named, and nothing happens.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct OrderInputTests {
    @Test func everyFaultyFieldIsNamedAndNothingHappens() async throws {
        let huge = String(repeating: "9", count: 40)
        let long = "\"" + String(repeating: "x", count: 10_240) + "\""
        let cases: [(Body, String)] = [
            (Body(user: "\"\""), "/userId"), (Body(user: "1"), "/userId"),
            (Body(user: "\"a b\""), "/userId"), (Body(user: "\"{1}\""), "/userId"),
            (Body(user: #""1\n""#), "/userId"), (Body(user: long), "/userId"),
            (Body(user: "null"), "/userId"), (Body(product: "[]"), "/productId"),
            (Body(product: #""a/b""#), "/productId"), (Body(quantity: "0"), "/quantity"),
            (Body(quantity: "-1"), "/quantity"), (Body(quantity: "1.5"), "/quantity"),
            (Body(quantity: "\"2\""), "/quantity"), (Body(quantity: "10001"), "/quantity"),
            (Body(quantity: "9223372036854775807"), "/quantity"),
            (Body(quantity: huge), "/quantity"), (Body(method: "\"cash\""), "/payment/method"),
            (Body(token: "\"\""), "/payment/token"), (Body(token: long), "/payment/token"),
            (Body(street: "\" \""), "/shipping/street"), (Body(city: "7"), "/shipping/city"),
            (Body(postcode: #""1\u0000""#), "/shipping/postcode"),
            (Body(country: "\"nl\""), "/shipping/country"),
            (Body(country: "\"NLD\""), "/shipping/country"),
        ]
        try await OrderSystem.run { system in
            let web = try await system.web
            for (body, field) in cases {
                let answer = try await web.post("/orders", body.json)
                #expect(answer.status == 400, "\(body.json.prefix(200))")
                #expect(answer.faults == [field], "\(body.json.prefix(200))")
            }
            try await nothingHappened(in: system)
        }
    }

    @Test func allMissingFieldsAreNamedAtOnce() async throws {
        try await OrderSystem.run { system in
            let answer = try await system.web.post("/orders", #"{"payment":{}}"#)

            #expect(answer.status == 400)
            #expect(
                answer.faults == [
                    "/userId", "/productId", "/quantity", "/payment/method", "/payment/token",
                    "/shipping",
                ])
            #expect(
                answer.header("content-type")?.hasPrefix("application/problem+json")
                    == true)
        }
    }

    @Test func whatIsNoJSONObjectIsRefused() async throws {
        let good = Body().json
        let bodies = [
            "", "{", "[]", "null", "\"text\"", String(good.dropLast()), good + "}",
            good.replacing("\"quantity\":2,", with: "\"quantity\":2,,"),
            good.replacing("}}", with: ",}}"), good.replacing("\"quantity\":2", with: "quantity:2"),
            good.replacing("\"quantity\":2", with: "\"quantity\":2,\"quantity\":3"),
        ]
        try await OrderSystem.run { system in
            let web = try await system.web
            for body in bodies {
                let status = try await web.post("/orders", body).status
                #expect((400..<500).contains(status), "\(status): \(body)")
            }
            let large = String(repeating: " ", count: 2 << 20) + good
            #expect(try await web.post("/orders", large).status == 413)
            try await nothingHappened(in: system)
        }
    }

    @Test func unknownFieldsAreTolerated() async throws {
        try await OrderSystem.run { system in
            let answer = try await system.web.post(
                "/orders", Body(more: #","note":{"gift":true}"#).json)
            #expect(answer.status == 201)
        }
    }

    @Test func unknownUserOrProductMakesNoOrder() async throws {
        try await OrderSystem.run { system in
            let web = try await system.web
            let user = try await web.post("/orders", Body(user: "\"nobody\"").json)
            let product = try await web.post("/orders", Body(product: "\"nothing\"").json)

            #expect(user.status == 422)
            #expect(user.text("code") == "unknown_user")
            #expect(user.faults == ["/userId"])
            #expect(product.status == 422)
            #expect(product.text("code") == "unknown_product")
            #expect(product.faults == ["/productId"])
            try await nothingHappened(in: system)
        }
    }

    @Test(arguments: [
        "/orders/a%20b", "/orders/%7B1%7D", "/orders/1%0A", "/orders/%00", "/orders/%C3%BC",
        "/orders/" + String(repeating: "1", count: 10_240),
    ])
    func malformedIDsFindNothing(_ path: String) async throws {
        try await OrderSystem.run { system in
            let web = try await system.web
            #expect((400..<500).contains(try await web.get(path).status))
            #expect((400..<500).contains(try await web.post(path + "/cancel").status))
        }
    }

    private func nothingHappened(in system: OrderSystem) async throws {
        let orders = try await system.orders.list(limit: 100)
        #expect(orders.map(\.id.text) == ["1"])
        #expect(await system.company.chargeCount == 0)
    }
}
