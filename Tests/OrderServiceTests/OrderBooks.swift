import NIOCore
import OrderContracts
import OrderService
import PaymentService
import Saga
import SagaRedis
import ShippingService
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// What a payment company and a carrier have done, and how often they were asked to.
struct OutsideCount: Equatable {
    var charges: Int
    var chargeCalls: Int
    var refunds: Int
    var net: Int
    var bookingCalls: Int
    var cancelled: Int
    var dispatched: Int

    init(of system: OrderSystem) async {
        charges = await system.company.chargeCount
        chargeCalls = await system.company.chargeCallCount
        refunds = await system.company.refundCount
        net = await system.company.net
        bookingCalls = await system.carrier.bookingCallCount
        cancelled = await system.carrier.cancelledCount
        dispatched = await system.carrier.dispatchedPieces
    }
}

/// The orders of a system as the order service, its owner's ledgers and the companies know them.
struct OrderBooks {
    private let shown: [String: String]
    private let charges: [String: OutsideEntry.Standing]
    private let shipments: [String: OutsideEntry.Standing]
    private let lives: [String: String]

    init(of system: OrderSystem) async throws {
        let namespace = system.settings.saga.namespace
        let orders = try await system.orders.list(limit: 10_000).filter { $0.id.text != "1" }
        shown = Dictionary(uniqueKeysWithValues: orders.map { ($0.id.text, "\($0.status)") })
        let keys = IdempotencyKeys(
            namespace: namespace, route: Route.order.name, form: .named)
        func standings(
            _ page: OutsidePage, _ service: String, _ step: String
        ) -> [String: OutsideEntry.Standing] {
            var found: [String: OutsideEntry.Standing] = [:]
            for entry in page.entries {
                guard let id = keys.saga(of: entry.key, service, step) else { continue }
                found[id] = entry.standing
            }
            return found
        }
        charges = standings(
            try await system.company.entries(after: nil, since: 0), "payment", "charge")
        shipments = standings(
            try await system.carrier.entries(after: nil, since: 0), "shipping", "arrange")
        let names = Set(shown.keys).union(charges.keys).union(shipments.keys).sorted()
        let ledgers = SagaKeys(namespace: namespace)
        let replies = try await system.redis.send(
            batch: names.map {
                RedisCommand(
                    "HGET", [.string(ledgers.ledger($0, service: "order")), "lifecycle"])
            })
        var lives: [String: String] = [:]
        for (name, reply) in zip(names, replies) {
            lives[name] = try reply.get().string.map { String($0.prefix { !" :+#".contains($0) }) }
        }
        self.lives = lives
    }

    /// Of how many orders there is only what companies and the owner's ledger know.
    var unshownCount: Int { Set(charges.keys).union(shipments.keys).subtracting(shown.keys).count }

    /// Where one of them contradicts another: who has paid gets his goods, and nobody else.
    var contradictions: [String] {
        let names = Set(shown.keys).union(charges.keys).union(shipments.keys)
        return names.sorted().flatMap { name -> [String] in
            let life = lives[name] ?? "unknown to its owner"
            let isCompleted = life == "completed"
            var faults: [String] = []
            if !isCompleted, life != "cancelled" { faults.append("is \(life)") }
            if let status = shown[name], status != life {
                faults.append("is \(life), and shown as \(status)")
            }
            if (charges[name] == .standing) != isCompleted {
                faults.append("is \(life), and its charge \(charges[name].map { "\($0)" } ?? "-")")
            }
            let shipment = shipments[name]
            if shipment == .standing || (shipment == .final) != isCompleted {
                faults.append("is \(life), and its parcel \(shipment.map { "\($0)" } ?? "-")")
            }
            return faults.map { "\(name) \($0)" }
        }
    }
}

extension OrderSystem {
    /// So many orders, placed eight at a time, that have all ended well.
    func complete(_ count: Int) async throws -> [OrderID] {
        let ids = try await withThrowingTaskGroup(of: [OrderID].self) { group in
            for customer in 0..<8 {
                group.addTask {
                    var ids: [OrderID] = []
                    for _ in stride(from: customer, to: count, by: 8) {
                        ids.append(try await place())
                    }
                    return ids
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        for id in ids { #expect(try await ended(id).status == .completed) }
        try await eventually("all is on its way") { await carrier.openCount == 0 }
        return ids
    }

    /// What a person sees who compares books and ledgers, and has done about it what can be.
    func reconcile(acts: Bool = true) async throws -> [OutsideFinding] {
        let payments = try await payment.current.reconcile(acts: acts)
        let parcels = try await shipping.current.reconcile(acts: acts)
        #expect(payments.failures.isEmpty && parcels.failures.isEmpty)
        return payments.findings + parcels.findings
    }

    /// Waits until both companies' books were compared with the ledgers a few times more.
    func booksAreCompared() async throws {
        let (charges, parcels) = await (company.lookCount, carrier.lookCount)
        try await eventually("the books are compared") {
            let (newCharges, newParcels) = await (company.lookCount, carrier.lookCount)
            return newCharges > charges + 3 && newParcels > parcels + 3
        }
    }

    /// How many letters there are for a reason.
    func letters(_ reason: String) async throws -> Int {
        var count = 0
        let keys = SagaKeys(namespace: settings.saga.namespace)
        for service in ["order", "payment", "inventory", "shipping"] {
            let entries = try await redis.send(
                .xrange(keys.dead(service), from: "-", count: 10_000)
            ).streamEntries()
            count += entries.count { $0["reason"].map { String(buffer: $0) } == reason }
        }
        return count
    }

    /// Waits until each service has noted since when there is data.
    func allAreBorn() async throws {
        let keys = SagaKeys(namespace: settings.saga.namespace)
        try await eventually("the loss is known") {
            for service in ["order", "payment", "inventory", "shipping"] {
                let born = try await redis.send(.get(keys.born(service)))
                if born.string == nil { return false }
            }
            return true
        }
    }

    func crashAll() async {
        await order.crash()
        await payment.crash()
        await inventory.crash()
        await shipping.crash()
    }

    func startAll() async throws {
        try await order.start()
        try await payment.start()
        try await inventory.start()
        try await shipping.start()
    }
}
