import Saga
import SagaRedis
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// A participant of two routes on a real Redis.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct SeveralRoutesRedisTests {
    private static let orderEnds = RouteOwner(
        "order", begins: OrderCreated.self, completes: OrderCompleted.self,
        on: PaymentProcessed.self, cancelled: OrderCancelled.self,
        request: OrderCancellationRequested.self)
    private static let order = Route("saga", owner: orderEnds) { ShopRoute.charge }

    private static func payment(_ world: World) -> Participant {
        Participant(order, "payment") {
            Perform(ShopRoute.charge) { _, context in
                try world.act("charge", context.idempotencyKey)
                return Transition(PaymentProcessed())
            } undo: { context in
                try await world.undo("charge", context.idempotencyKey)
            }
        }
        .also(on: RenewalRoute.route) {
            Perform(RenewalRoute.charge, undoGiveUpAfter: .milliseconds(100)) { _, context in
                try world.act("charge", context.idempotencyKey)
                return Transition(PaymentProcessed())
            } undo: { context in
                try await world.undo("charge", context.idempotencyKey)
            }
        }
    }

    /// Both sagas have the same ID, in which nothing may be taken for a part of a key.
    @Test(arguments: ["1", "a/b:{c}"])
    func eachRouteHasALedgerOfItsOwn(_ id: String) async throws {
        try await ShopRig.with { rig in
            try await running(rig) { orders, renewals in
                _ = try await orders.begin(id, OrderCreated())
                _ = try await renewals.begin(id, RenewalAsked())
                #expect(try await orders.outcome(of: id, within: .seconds(20)) == .completed)
                #expect(try await renewals.outcome(of: id, within: .seconds(20)) == .completed)
                let prefix = rig.keys.ledger("", service: "payment")
                let encoded = id == "1" ? "1" : "a%2Fb%3A%7Bc%7D"
                for ledger in [prefix + encoded, prefix + "renewal/" + encoded] {
                    try await rig.until("the end is heard: \(ledger)") {
                        try await field("end", of: ledger, rig) == "completed"
                    }
                    #expect(try await field("charge", of: ledger, rig)?.hasPrefix("done ") == true)
                    #expect(try await rig.timeToLive(of: ledger) ?? 0 > 0)
                }
            }
            #expect(rig.saga.world.done("charge").count == 2)
            #expect(try await rig.deadLetters("payment").isEmpty)
        }
    }

    @Test func whatARouteOwesStandsUnderItsName() async throws {
        try await ShopRig.with { rig in
            try await running(rig) { orders, renewals in
                _ = try await orders.begin("1", OrderCreated())
                #expect(try await orders.outcome(of: "1", within: .seconds(20)) == .completed)
                rig.saga.world.fail("undo charge")
                // Cancelled before it is charged, or after: it is undone if it is.
                _ = try await renewals.begin("1", RenewalAsked())
                try await rig.until("it is charged") { rig.saga.world.done("charge").count == 2 }
                let withdrawn = CloudEventOfRenewal.withdrawn
                try await say(withdrawn, rig)
                try await rig.until("it is blocked") {
                    try await members(rig.keys.blocked("payment"), rig) == ["renewal/1"]
                }
                #expect(try await members(rig.keys.open("payment"), rig) == ["renewal/1"])
                rig.saga.world.fail("undo charge", false)
                try await rig.until("it is undone") {
                    try await members(rig.keys.blocked("payment"), rig).isEmpty
                }
            }
            let ledger = rig.keys.ledger("", service: "payment") + "renewal/1"
            #expect(try await field("charge", of: ledger, rig)?.hasPrefix("compensated") == true)
            #expect(try await rig.ledger("payment", "1", "charge") == "done")
            #expect(rig.saga.world.done("charge") == [rig.key("1", "payment", "charge")])
        }
    }

    /// One line, however many come.
    @Test func eventsOfARouteThatNobodyKnowsHereAreToldOf() async throws {
        let log = RecordedLog()
        try await ShopRig.with { rig in
            let payment = try SagaRuntime(
                Self.payment(rig.saga.world), redis: rig.redis, configuration: rig.configuration,
                logger: log.logger)
            let task = Task { try await payment.run() }
            for _ in 0..<3 {
                try await say(CloudEventOfRenewal.ofAnotherRoute, rig, "RenewalAsked")
            }
            try await rig.until("they are passed over") {
                let pending = try await rig.pending(
                    "RenewalAsked", owner: "renewal", group: "payment")
                return pending == 0 && log.lines.contains { $0.message.contains("passed over") }
            }
            task.cancel()
            try await task.value

            #expect(log.lines.count { $0.message.contains("passed over") } == 1)
            #expect(try await rig.deadLetters("payment").isEmpty)
            #expect(rig.saga.world.calls("charge") == 0)
        }
    }

    /// Each has a saga of that ID, perhaps.
    @Test func whatCannotBeReadAndMayBeOfAnyRouteTellsNothingOfASaga() async throws {
        try await ShopRig.with { rig in
            let shipping = try rig.runtime(Self.shipping(rig.saga.world))
            let task = Task { try await shipping.run() }
            _ = try await rig.redis.send(
                RedisCommand(
                    "XADD",
                    [
                        .string(rig.keys.stream("ProductReserved", owner: "inventory")), "*",
                        "data", "no event", "correlationid", "1",
                    ]))
            try await rig.until("it is a letter, and dealt with") {
                let letters = try await rig.deadLetters("shipping").count
                let pending = try await rig.pending(
                    "ProductReserved", owner: "inventory", group: "shipping")
                return letters == 1 && pending == 0
            }
            task.cancel()
            try await task.value

            for name in ["1", "renewal/1"] {
                let ledger = rig.keys.ledger("", service: "shipping") + name
                #expect(try await field("arrange", of: ledger, rig) == nil)
                #expect(try await field("blocked", of: ledger, rig) == nil)
            }
        }
    }

    /// It takes part in two routes, on whose sagas it hears of the same events.
    private static func shipping(_ world: World) -> Participant {
        let ends = RouteOwner(
            "renewal", begins: RenewalAsked.self, completes: RenewalDone.self,
            on: ShipmentArranged.self, cancelled: RenewalCancelled.self,
            request: RenewalWithdrawn.self)
        let reserve = Leg(
            "reserve", by: "inventory", on: RenewalAsked.self, emits: ProductReserved.self,
            orElse: ProductReservationFailed.self, undone: ProductReleased.self,
            actsOutside: false)
        let renewal = Route("renewal", owner: ends) {
            reserve
            ShopRoute.arrange
        }
        return Participant(ShopRoute.route, "shipping") {
            Perform(ShopRoute.arrange) { _, _ in
                Transition(ShipmentArranged())
            } undo: { context in
                try await world.undo("arrange", context.idempotencyKey)
            }
            .finish(ShopRoute.dispatch) { _, _ in Transition(ShipmentDispatched()) }
        }
        .also(on: renewal) {
            Perform(ShopRoute.arrange) { _, _ in
                Transition(ShipmentArranged())
            } undo: { context in
                try await world.undo("arrange", context.idempotencyKey)
            }
        }
    }

    // MARK: -

    private enum CloudEventOfRenewal {
        /// As if the renewals had lost what they know, and asked all to undo.
        static let ofAnotherRoute = Self.asked(on: "gift")

        private static func asked(on route: String) -> String {
            """
            {"specversion":"1.0","id":"asked","source":"/renewal","type":"RenewalAsked",\
            "subject":"1","correlationid":"1","route":"\(route)","time":"2026-01-01T00:00:00.000Z",\
            "datacontenttype":"application/json","data":{}}
            """
        }

        static let withdrawn = """
            {"specversion":"1.0","id":"withdrawn","source":"/renewal","type":"RenewalWithdrawn",\
            "subject":"1","correlationid":"1","route":"renewal","time":"2026-01-01T00:00:00.000Z",\
            "datacontenttype":"application/json","data":{"reason":"r","detail":""}}
            """
    }

    private func say(
        _ event: String, _ rig: ShopRig, _ type: String = "RenewalWithdrawn"
    ) async throws {
        let stream = rig.keys.stream(type, owner: "renewal")
        _ = try await rig.redis.send(
            RedisCommand("XADD", [.string(stream), "*", "data", .string(event)]))
    }

    private func field(_ name: String, of key: String, _ rig: ShopRig) async throws -> String? {
        try await rig.redis.send(RedisCommand("HGET", [.string(key), .string(name)])).string
    }

    private func members(_ key: String, _ rig: ShopRig) async throws -> [String] {
        try await rig.redis.send(RedisCommand("ZRANGE", [.string(key), "0", "-1"])).strings()
            .compactMap { $0 }
    }

    private func running(
        _ rig: ShopRig,
        _ body: (_ orders: SagaRuntime, _ renewals: SagaRuntime) async throws -> Void
    ) async throws {
        let orders = try rig.runtime(
            Participant(Self.order, "order") {
                Oversee(Self.orderEnds) { _, _ in Transition(OrderCompleted()) }
            })
        let renewals = try rig.runtime(
            Participant(RenewalRoute.route, "renewal") {
                Oversee(RenewalRoute.ends) { _, _ in Transition(RenewalDone()) }
            })
        let payment = try rig.runtime(Self.payment(rig.saga.world))
        let tasks = [orders, renewals, payment].map { runtime in
            Task { try await runtime.run() }
        }
        defer { for task in tasks { task.cancel() } }
        try await body(orders, renewals)
    }
}
