import CloudEvents
import Saga

/// One course of events of the shop, and what has to be true once it is quiet.
package struct ShopSimulation: Sendable {
    package let simulation: Simulation
    private let shop: SimulatedShop
    private let orders: [OrderCreated]
    /// Of which of them there is a renewal of the same ID.
    private let renewed: [Bool]
    private let kind: ShopKind
    private let stock = 6

    package init(seed: UInt64, _ kind: ShopKind = .faulty, isTraced: Bool = false) {
        self.kind = kind
        var configuration = SagaRuntimeConfiguration()
        configuration.reconciliationInterval = .seconds(10)
        configuration.reconciliationGrace = .seconds(20)
        if kind == .asking {
            // So that many are asked before they are cancelled.
            configuration.blockedRetry = RetrySchedule(
                pauseMinimum: .milliseconds(200), pauseMaximum: .seconds(3))
        }
        simulation = Simulation(
            seed: seed, faults: kind.faults, configuration: configuration, isTraced: isTraced)
        let isRenewing = simulation.below(8) == 0
        shop = SimulatedShop(
            simulation, hasBooks: kind != .bookless, asksTheBank: kind == .asking,
            isRenewing: isRenewing)
        let count = 1 + simulation.below(5)
        renewed = (0..<count).map { [simulation] _ in
            isRenewing && simulation.below(2) == 0
        }
        orders = (0..<count).map { [simulation] _ in
            let isElsewhere = simulation.below(8) == 0
            return OrderCreated(
                card: simulation.below(8) == 0 ? "declined" : "good",
                country: simulation.below(4) == 0 ? "" : isElsewhere ? "AQ" : "DE",
                quantity: 1 + simulation.below(3), isGift: simulation.below(3) == 0)
        }
    }

    /// Everything that is wrong in the end; empty if nothing is.
    package func faults() throws -> [String] {
        try simulation.server.change { contents throws(SagaError) in
            contents.set("inventory", "stock", .hash(["available": "\(stock)"]))
        }
        let (orders, renewed) = (orders, renewed)
        let late = try simulation.run(
            shop.all.map { ($0, 1 + simulation.below(2)) },
            isQuiet: {
                // Where there are no books nothing more will be found.
                Self.isQuiet($0) && shop.isAtRest && (kind == .bookless || unclaimed($0).isEmpty)
            },
            client: { simulation in
                await withTaskGroup(of: Void.self) { group in
                    for (number, order) in orders.enumerated() {
                        group.addTask { await Self.begin("\(number)", order, in: simulation) }
                        guard renewed[number] else { continue }
                        group.addTask { await Self.renew("\(number)", in: simulation) }
                    }
                }
            })
        if let late { return [late] + stuck() }
        return judge()
    }

    // MARK: - The client

    private static func begin(
        _ id: String, _ event: OrderCreated, in simulation: Simulation
    ) async {
        try? await simulation.clock.sleep(for: .milliseconds(simulation.below(8000)))
        await untilDone("order", simulation) { order in
            _ = try await order.begin(id, event)
        }
        await perhapsCancel(id, of: "order", in: simulation)
    }

    private static func renew(_ id: String, in simulation: Simulation) async {
        try? await simulation.clock.sleep(for: .milliseconds(simulation.below(8000)))
        await untilDone("renewal", simulation) { _ = try await $0.begin(id, RenewalAsked()) }
        await perhapsCancel(id, of: "renewal", in: simulation)
    }

    private static func perhapsCancel(
        _ id: String, of owner: String, in simulation: Simulation
    ) async {
        guard simulation.below(3) == 0 else { return }
        let patience = simulation.below(2) == 0 ? 60 : 600
        try? await simulation.clock.sleep(for: .milliseconds(simulation.below(patience)))
        await untilDone(owner, simulation) { owner in
            _ = try await owner.requestCancellation(of: id, reason: BusinessFailure("customer"))
        }
    }

    private static func untilDone(
        _ owner: String, _ simulation: Simulation, _ ask: (SagaRuntime) async throws -> Void
    ) async {
        for _ in 0..<1000 {
            if let owner = simulation.runtime(of: owner), (try? await ask(owner)) != nil {
                return
            }
            try? await simulation.clock.sleep(for: .milliseconds(100))
        }
    }

    // MARK: - The judge

    private static func isQuiet(_ contents: MemoryData) -> Bool {
        for (name, ledger) in contents.ledgers
        where name.hasPrefix("order:") || name.hasPrefix("renewal:") {
            guard let status = status(ledger), status == .completed || status == .cancelled else {
                return false
            }
            // Somebody has to finish who may have lost that, and is told again.
            let end = ledger[LedgerEnd.field].flatMap { LedgerEnd($0) }
            if case .awaiting? = end { return false }
        }
        return contents.streams.values.allSatisfy { stream in
            // A group that has vanished has something to do until it is made again.
            stream.known.allSatisfy { name in
                guard let group = stream.groups[name] else { return false }
                return group.pending.isEmpty && group.lastDelivered == stream.lastNumber
            }
        }
    }

    /// What stands at the companies and belongs to no completed order.
    private func unclaimed(_ data: MemoryData) -> [String] {
        let keys = shop.bank.standing.union(shop.carrier.standing)
        return keys.sorted().filter { key in
            let words = key.split(separator: ":").map(String.init)
            let id = words[2]
            if words[1] == "renewal" {
                return Self.status(data.ledger("renewal", id)) != .completed
            }
            return Self.status(data.ledger("order", id)) != .completed
                && !shop.dispatch.stands("troupe:saga:\(id):shipping:arrange:dispatch")
        }
    }

    private static func status(_ ledger: [String: String]) -> LifecycleState.Status? {
        ledger["lifecycle"].flatMap { LifecycleState(text: LedgerEntry($0).state)?.status }
    }

    private func judge() -> [String] {
        let contents = simulation.server.contents
        var faults: [String] = []
        var (shipped, given) = (0, 0)
        for (number, order) in orders.enumerated() {
            let id = "\(number)"
            let isShipped = !order.country.isEmpty
            let status = Self.status(contents.ledger("order", id))
            let isCompleted = status == .completed
            let charge = shop.bank.stands("troupe:saga:\(id):payment:charge")
            let arrangement = shop.carrier.stands("troupe:saga:\(id):shipping:arrange")
            let dispatched = shop.dispatch.stands("troupe:saga:\(id):shipping:arrange:dispatch")
            if isCompleted {
                shipped += quantity(id, contents)
                // Where the store has forgotten all of it, only the carrier knows the order.
                given += order.isGift == true && quantity(id, contents) > 0 ? 1 : 0
                // Where the store has lost that it was cancelled, it was undone already, which is
                // shown to a person.
                let mayBeUndone = kind == .forgetful
                let isUndone = { (company: SimulatedCompany, step: String) in
                    mayBeUndone && company.isUndone("troupe:saga:\(id):\(step)")
                }
                if !charge, !isUndone(shop.bank, "payment:charge") {
                    faults.append("\(id) is completed and not charged")
                }
                if !arrangement, isShipped, !isUndone(shop.carrier, "shipping:arrange") {
                    faults.append("\(id) is completed and not arranged")
                }
                if !dispatched, isShipped {
                    faults.append("\(id) is completed and not dispatched")
                }
                if !isShipped, arrangement || dispatched {
                    faults.append("\(id) is a download, and arranged or dispatched")
                }
            } else if dispatched && kind == .forgetful {
                // Goods that left in a second that the store forgot do not come back; they are
                // paid for, unless their order was known again and cancelled.
                if !charge,
                    contents.ledger("order", id)["lifecycle"]?.contains("unknown_saga") == true
                {
                    faults.append("\(id) is dispatched, was forgotten, and is refunded")
                }
            } else {
                if charge { faults.append("\(id) is cancelled and charged") }
                if arrangement { faults.append("\(id) is cancelled and arranged") }
                if dispatched { faults.append("\(id) is cancelled and dispatched") }
            }
        }
        if shipped > stock { faults.append("\(shipped) are sold of \(stock)") }
        for key in shop.bank.undoneTwice + shop.carrier.undoneTwice {
            faults.append("\(key) is undone twice")
        }
        if kind == .calm || kind == .slow { faults += askedAgain(contents) }
        if kind == .calm || kind == .slow { faults += kept(contents) }
        faults += stockFaults(contents, shipped: shipped, given: given)
        faults += renewalFaults(contents)
        for (service, letters) in contents.letters.sorted(by: { $0.key < $1.key }) {
            for one in letters {
                faults.append("\(service) has a letter: \(one.letter.reason) \(one.letter.error)")
            }
        }
        return faults
    }

    private func renewalFaults(_ contents: MemoryData) -> [String] {
        renewed.indices.compactMap { number in
            let key = "troupe:renewal:\(number):payment:charge"
            let isCharged = shop.bank.stands(key)
            guard Self.status(contents.ledger("renewal", "\(number)")) == .completed else {
                return isCharged ? "renewal \(number) is cancelled and charged" : nil
            }
            let mayLack = kind == .forgetful && shop.bank.isUndone(key)
            return isCharged || mayLack ? nil : "renewal \(number) is completed and not charged"
        }
    }

    private func stockFaults(_ contents: MemoryData, shipped: Int, given: Int) -> [String] {
        let found = hash(contents, "stock")
        let expected = [
            "available": stock - shipped, "reserved": 0, "shipped": shipped, "wrapped": 0,
            "given": given,
        ]
        return expected.sorted { $0.key < $1.key }
            .filter { Int(found[$0.key] ?? "0") != $0.value }
            .map { "\($0.key) is \(found[$0.key] ?? "0"), not \($0.value)" }
    }

    /// Ledgers that nobody lets go although their sagas have ended.
    private func kept(_ contents: MemoryData) -> [String] {
        contents.ledgers.keys.filter { !contents.ending.contains($0) }.sorted()
            .map { "ledger \($0) stays for ever" }
    }

    /// Where nothing is lost, nobody need be asked again.
    private func askedAgain(_ contents: MemoryData) -> [String] {
        // What a client asks for has no cause, what a timer does has.
        contents.events("OrderCancellationRequested", owner: "order")
            .filter { $0.causationID != nil }
            .map { "all of \($0.correlationID) are asked again to undo" }
    }

    private func stuck() -> [String] {
        let contents = simulation.server.contents
        let ledgers = contents.ledgers.sorted { $0.key < $1.key }.map { name, ledger in
            name + " "
                + ledger.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                .joined(separator: " ")
        }
        let pending = contents.streams.sorted { $0.key < $1.key }.flatMap { name, stream in
            stream.groups.sorted { $0.key < $1.key }.compactMap { group, state -> String? in
                let unread = stream.lastNumber - state.lastDelivered
                guard unread > 0 || !state.pending.isEmpty else { return nil }
                return "\(name) for \(group): \(unread) unread, \(state.pending.count) pending"
            }
        }
        return ledgers + pending + unclaimed(contents).map { "\($0) stands" }
    }

    private func quantity(_ id: String, _ data: MemoryData) -> Int {
        hash(data, RecordName("reservation", id: id))["count"].flatMap { Int($0) } ?? 0
    }

    private func hash(_ data: MemoryData, _ name: RecordName) -> [String: String] {
        guard
            case .hash(let fields) = data.record("inventory", name, at: simulation.clock.now)
        else { return [:] }
        return fields
    }
}
