import Logging
import OrderContracts
import Saga
import SagaRedis
import ServiceHTTP
import ServiceLifecycle
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import OrderService

/// The order service as its clients see it.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct OrderRoutesTests {
    @Test func orderIsCreatedAndFound() async throws {
        try await OrderSystem.run { system in
            let web = try await system.web
            let created = try await web.post("/orders", Body().json)
            let id = try #require(created.text("id"))

            #expect(created.status == 201)
            #expect(created.header("location") == "/orders/\(id)")
            #expect(created.text("status") == "pending")
            #expect(created.text("createdAt")?.count == 24)
            #expect(created.json["cancellation"] == nil)
            let total = created.json["total"] as? [String: Any]
            #expect(total?["amount"] as? Int == 4000)
            #expect(total?["currency"] as? String == "EUR")

            _ = try await system.ended(OrderID(wellFormed: id))
            let found = try await web.get("/orders/\(id)")
            #expect(found.status == 200)
            #expect(found.text("status") == "completed")
            #expect(found.text("userId") == "1")
            #expect(found.json["quantity"] as? Int == 2)
        }
    }

    /// Each change of it is an event, so who keeps it can hear when it is old.
    @Test func anOrderIsAsFitToBeKeptWhileItMovesAsAfterwards() async throws {
        try await OrderSystem.run { system in
            let web = try await system.web
            await system.company.gate.close()
            let id = try await system.place()

            for path in ["/orders/\(id)", "/orders"] {
                #expect(try await web.get(path).header("cache-control") == nil, "\(path)")
            }
            await system.company.gate.open()
            _ = try await system.ended(id)
            for path in ["/orders/\(id)", "/orders"] {
                #expect(try await web.get(path).header("cache-control") == nil, "\(path)")
            }
        }
    }

    @Test func damagedRecordIsOurFaultAndNoReasonToWait() async throws {
        try await OrderSystem.run { system in
            let web = try await system.web
            for (number, record) in ["text", "hash"].enumerated() {
                let key = "\(system.settings.saga.namespace):{order}:order:damaged\(number)"
                let command: RedisCommand =
                    record == "text"
                    ? RedisCommand("SET", [.string(key), "not a record"])
                    : RedisCommand("HSET", [.string(key), "status", "lost"])
                _ = try await system.redis.send(command)

                let answer = try await web.get("/orders/damaged\(number)")
                #expect(answer.status == 500, "\(record)")
                #expect(answer.text("code") == "internal_error")
                #expect(answer.header("retry-after") == nil)
            }
        }
    }

    @Test func preferWaitHoldsTheAnswerUntilTheEnd() async throws {
        try await OrderSystem.run { system in
            let web = try await system.web
            let good = try await web.post("/orders", Body().json, headers: ["prefer": "wait=10"])
            let bad = try await web.post(
                "/orders", Body(country: "\"AQ\"").json,
                headers: ["prefer": "respond-async, wait=10"])

            #expect(good.status == 201)
            #expect(good.text("status") == "completed")
            #expect(good.header("preference-applied") == "wait=10")
            #expect(bad.text("status") == "cancelled")
            let reason = bad.json["cancellation"] as? [String: String]
            #expect(reason?["reason"] == "country_not_served")
            try await system.addsUp()
        }
    }

    @Test func preferWaitEndsWithItsTime() async throws {
        try await OrderSystem.run { system in
            await system.company.gate.close()
            let answer = try await system.web.post(
                "/orders", Body().json, headers: ["prefer": "wait=1"])

            #expect(answer.status == 201)
            #expect(answer.text("status") == "pending")
        }
    }

    @Test func cancellingAnswersByWhatItFinds() async throws {
        try await OrderSystem.run { system in
            let web = try await system.web
            await system.company.gate.close()
            let id = try #require(try await web.post("/orders", Body().json).text("id"))

            let first = try await web.post("/orders/\(id)/cancel")
            #expect(first.status == 202)
            #expect(first.text("status") == "cancelling")
            await system.company.gate.open()
            _ = try await system.ended(OrderID(wellFormed: id))
            #expect(try await web.post("/orders/\(id)/cancel").status == 200)

            let done = try await web.post("/orders", Body().json, headers: ["prefer": "wait=10"])
            let late = try await web.post("/orders/\(done.text("id") ?? "")/cancel")
            #expect(late.status == 409)
            #expect(late.text("code") == "too_late")
            #expect(try await web.post("/orders/none/cancel").status == 404)
            try await system.addsUp()
        }
    }

    @Test(arguments: ["wait=20", "respond-async, Wait=\"20\"; strict"])
    func cancellingWaitsForTheEndIfTheClientWants(preference: String) async throws {
        try await OrderSystem.run { system in
            let web = try await system.web
            await system.company.gate.close()
            let id = try #require(try await web.post("/orders", Body().json).text("id"))
            async let cancelled = web.post("/orders/\(id)/cancel", headers: ["prefer": preference])
            try await eventually("the cancellation is under way") {
                try await web.get("/orders/\(id)").text("status") == "cancelling"
            }
            await system.company.gate.open()

            let answer = try await cancelled
            #expect(answer.status == 200)
            #expect(answer.text("status") == "cancelled")
            #expect(answer.header("preference-applied") == "wait=20")
            try await system.addsUp()
        }
    }

    @Test func aStopEndsTheWaitWithTheOrderAsItStands() async throws {
        try await OrderSystem.run { system in
            await system.company.gate.close()
            let logger = Logger.silent
            var configuration = ServiceServerConfiguration(port: 0)
            configuration.drainLimit = .seconds(60)
            let readiness = Readiness()
            let routes = OrderRoutes(orders: try await system.orders, readiness: readiness)
            let server = ServiceServer(
                name: "orders", configuration: configuration,
                router: routes.router(logger: logger), readiness: readiness, logger: logger)
            let group = ServiceGroup(services: [server], logger: logger)
            async let running: Void = group.run()
            let web = WebClient(port: try await server.boundPort.value)
            let start = ContinuousClock.now
            async let placed = web.post("/orders", Body().json, headers: ["prefer": "wait=30"])
            try await eventually("the order stands") {
                (try await web.get("/orders").json["items"] as? [Any])?.count == 2
            }
            await group.triggerGracefulShutdown()

            let answer = try await placed
            #expect(answer.status == 201)
            #expect(answer.text("status") == "pending")
            #expect(ContinuousClock.now - start < .seconds(25))
            try await running
            await system.company.gate.open()
            _ = try await system.ended(OrderID(wellFormed: try #require(answer.text("id"))))
        }
    }

    @Test func ordersAreListedNewestFirstPageByPage() async throws {
        try await OrderSystem.run { system in
            let web = try await system.web
            var ids: [String] = []
            for user in ["2", "2", "3", "2", "2", "2"] {
                let answer = try await web.post("/orders", Body(user: "\"\(user)\"").json)
                if user == "2" { ids.append(try #require(answer.text("id"))) }
            }

            var seen: [String] = []
            var pages = 0
            var path: String? = "/orders?userId=2&limit=2"
            while let next = path {
                let page = try await web.get(next)
                #expect(page.status == 200)
                let orders = page.json["items"] as? [[String: Any]] ?? []
                seen += orders.compactMap { $0["id"] as? String }
                path = page.text("next").map { "/orders?userId=2&limit=2&after=\($0)" }
                pages += 1
            }
            #expect(seen == ids.reversed())
            #expect(pages == 3)

            let all = try await web.get("/orders?limit=100").json["items"] as? [Any]
            #expect(all?.count == 7)
            #expect(try await web.get("/orders?userId=nobody").json["items"] as? [String] == [])
            #expect(try await web.get("/orders?after=nothing").faults == ["after"])
            #expect(
                try await web.get("/orders?limit=0&userId=a%20b").faults.sorted() == [
                    "limit", "userId",
                ])
        }
    }

    @Test func redisAwayIsAFast503ThatHeals() async throws {
        let redis = try await RedisServer.launch(.init(isDurable: true))
        try await OrderSystem.run(on: redis) { system in
            let web = try await system.web
            #expect(try await web.get("/orders/1").status == 200)

            await redis.kill()
            let start = ContinuousClock.now
            for answer in [
                try await web.get("/orders/1"), try await web.post("/orders", Body().json),
                try await web.post("/orders/1/cancel"),
            ] {
                #expect(answer.status == 503)
                #expect(answer.header("retry-after") != nil)
                #expect(answer.text("code") == "unavailable")
            }
            #expect(ContinuousClock.now - start < .seconds(20))

            try await redis.start()
            let back = ContinuousClock.now
            try await eventually("orders are shown again") {
                try await web.get("/orders/1").status == 200
            }
            #expect(ContinuousClock.now - back < .seconds(15))
        }
        await redis.stop()
    }

    @Test func catalogAwayIsA503WithoutAnOrder() async throws {
        try await OrderSystem.run {
            $0.catalog = FixedCatalog(isAway: true)
        } _: { system in
            let answer = try await system.web.post("/orders", Body().json)

            #expect(answer.status == 503)
            #expect(answer.header("retry-after") != nil)
            #expect(try await system.orders.list(limit: 10).map(\.id.text) == ["1"])
        }
    }
}

extension OrderSystem {
    var web: WebClient {
        get async throws { WebClient(port: try await order.current.boundPort.value) }
    }
}

/// The body of `POST /orders`, each field as JSON text so that a test can break it.
struct Body {
    var user = #""1""#
    var product = #""1""#
    var quantity = "2"
    var method = #""card""#
    var token = #""tok_visa""#
    var street = #""Oudegracht 1""#
    var city = #""Utrecht""#
    var postcode = #""3511""#
    var country = #""NL""#
    var more = ""

    var json: String {
        """
        {"userId":\(user),"productId":\(product),"quantity":\(quantity),
         "payment":{"method":\(method),"token":\(token)},
         "shipping":{"street":\(street),"city":\(city),"postcode":\(postcode),
                     "country":\(country)}\(more)}
        """
    }
}
