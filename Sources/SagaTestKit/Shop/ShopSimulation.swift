import CloudEvents
import Saga
import Synchronization

/// One course of events of a shop, and what has to be true once it is quiet.
package struct ShopSimulation: Sendable {
    package let simulation: Simulation
    private let trade: any SimulatedTrade
    private let companies: SimulatedCompanies
    private let kind: ShopKind
    private let orders: OrderBook
    private let aftermath: ShopAftermath
    /// Of which of them there is a renewal of the same ID.
    private let renewed: [Bool]
    private let pieces = 6

    /// What clients have ordered, as they say.
    private final class OrderBook: Sendable {
        let count: Int
        private let placed = Mutex<[String: SimulatedOrder]>([:])

        init(count: Int) {
            self.count = count
        }

        func note(_ order: SimulatedOrder) { placed.withLock { $0[order.id] = order } }

        subscript(id: String) -> SimulatedOrder? { placed.withLock { $0[id] } }
    }

    /// The shop of the test kit.
    package init(seed: UInt64, _ kind: ShopKind = .faulty, isTraced: Bool = false) {
        self.init(seed: seed, kind, isTraced: isTraced) { companies in
            SimulatedShop(
                companies, hasBooks: kind != .bookless, asksTheBank: kind == .asking,
                isRenewing: seed % 8 == 3 && kind != .aftermath)
        }
    }

    /// Any trade.
    package init(
        seed: UInt64, _ kind: ShopKind = .faulty, isTraced: Bool = false,
        trade: (SimulatedCompanies) -> any SimulatedTrade
    ) {
        self.kind = kind
        var configuration = SagaRuntimeConfiguration()
        configuration.reconciliationInterval = .seconds(10)
        // What is in the books is as good as not there while it is so young.
        configuration.reconciliationGrace = kind == .bookless ? .seconds(86_400) : .seconds(20)
        if kind == .asking {
            // So that many are asked before they are cancelled.
            configuration.blockedRetry = RetrySchedule(
                pauseMinimum: .milliseconds(200), pauseMaximum: .seconds(3))
        }
        simulation = Simulation(
            seed: seed, faults: kind.faults, configuration: configuration, isTraced: isTraced)
        companies = SimulatedCompanies(simulation)
        let made = trade(companies)
        self.trade = made
        aftermath = ShopAftermath(
            simulation, companies,
            services: kind == .aftermath ? made.participants.map(\.name) : [])
        orders = OrderBook(count: 1 + simulation.below(5))
        renewed = (0..<orders.count).map { [simulation] _ in
            made.renewals != nil && simulation.below(2) == 0
        }
    }

    /// Everything that is wrong in the end; empty if nothing is.
    package func faults() throws -> [String] {
        try simulation.server.change { contents throws(SagaError) in
            trade.stockUp(pieces, in: &contents)
        }
        let late = try simulation.run(
            trade.participants.map { ($0, 1 + simulation.below(2)) },
            isQuiet: {
                // Where there are no books nothing more will be found.
                Self.isQuiet($0) && companies.isAtRest
                    && (kind == .bookless || unclaimed($0).isEmpty)
            },
            client: { _ in
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<orders.count {
                        group.addTask { await order("\(number)") }
                        guard renewed[number], let owner = trade.renewals else { continue }
                        group.addTask { await renew("\(number)", owner) }
                    }
                }
            },
            afterwards: {
                if kind == .aftermath { await aftermath.come(faults: judge()) }
            })
        if let late { return [late] + stuck() }
        return kind == .aftermath ? aftermath.faults : judge()
    }

    // MARK: - The client

    private func order(_ id: String) async {
        try? await simulation.clock.sleep(for: .milliseconds(simulation.below(8000)))
        let isDeclined = simulation.below(8) == 0
        let country = simulation.below(8) == 0 ? "AQ" : "DE"
        let isDownload = trade.hasDownloads && simulation.below(4) == 0
        let order = SimulatedOrder(
            id: id, isDeclined: isDeclined, country: isDownload ? "" : country,
            quantity: 1 + simulation.below(3), isGift: simulation.below(3) == 0)
        orders.note(order)
        await untilDone("order") { try await trade.begin(order, on: $0) }
        await perhapsCancel(id, of: "order")
    }

    private func renew(_ id: String, _ owner: String) async {
        try? await simulation.clock.sleep(for: .milliseconds(simulation.below(8000)))
        await untilDone(owner) { try await trade.renew(id, on: $0) }
        await perhapsCancel(id, of: owner)
    }

    private func perhapsCancel(_ id: String, of owner: String) async {
        guard simulation.below(3) == 0 else { return }
        let patience = simulation.below(2) == 0 ? 60 : 600
        try? await simulation.clock.sleep(for: .milliseconds(simulation.below(patience)))
        await untilDone(owner) { owner in
            _ = try await owner.requestCancellation(of: id, reason: BusinessFailure("customer"))
        }
    }

    private func untilDone(
        _ owner: String, _ ask: (SagaRuntime) async throws -> Void
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
        let keys = companies.bank.standing.union(companies.carrier.standing)
        return keys.sorted().filter { standing in
            let words = standing.split(separator: ":").map(String.init)
            let id = words[2]
            if words[1] == trade.renewals {
                return Self.status(data.ledger(words[1], id)) != .completed
            }
            return Self.status(data.ledger("order", id)) != .completed
                && !companies.dispatch.stands(key(id, "shipping:arrange:dispatch"))
        }
    }

    /// The key of a call for an order.
    private func key(_ id: String, _ call: String) -> String {
        "troupe:\(trade.route):\(id):\(call)"
    }

    private static func status(_ ledger: [String: String]) -> LifecycleState.Status? {
        ledger["lifecycle"].flatMap { LifecycleState(text: LedgerEntry($0).state)?.status }
    }

    private func judge() -> [String] {
        let contents = simulation.server.contents
        var faults: [String] = []
        var shipped: [SimulatedOrder] = []
        for number in 0..<orders.count {
            let id = "\(number)"
            let isCompleted = Self.status(contents.ledger("order", id)) == .completed
            guard let order = orders[id] else { continue }
            faults += isCompleted ? missing(order) : leftOver(id, contents)
            if isCompleted, hasLeftStock(id, contents) { shipped.append(order) }
            faults += trade.faults(
                of: order, isCompleted: isCompleted, mayBeForgotten: kind.goesBack,
                in: contents)
        }
        faults += (companies.bank.undoneTwice + companies.carrier.undoneTwice)
            .map { "\($0) is undone twice" }
        if [.calm, .slow, .overtaken].contains(kind) { faults += askedAgain(contents) }
        if kind == .calm || kind == .slow { faults += kept(contents) }
        faults += stockFaults(contents, shipped: shipped)
        faults += renewalFaults(contents)
        for (service, letters) in contents.letters.sorted(by: { $0.key < $1.key }) {
            for one in letters {
                faults.append("\(service) has a letter: \(one.letter.reason) \(one.letter.error)")
            }
        }
        return faults
    }

    private func stockFaults(_ contents: MemoryData, shipped: [SimulatedOrder]) -> [String] {
        let count = shipped.reduce(0) { $0 + $1.quantity }
        let found = hash(contents, trade.stock)
        var expected = ["available": pieces - count, "reserved": 0, "shipped": count]
        expected.merge(trade.furtherStock(of: shipped)) { $1 }
        let wrong = expected.sorted { $0.key < $1.key }
            .filter { Int(found[$0.key] ?? "0") != $0.value }
            .map { "\($0.key) is \(found[$0.key] ?? "0"), not \($0.value)" }
        return (count > pieces ? ["\(count) are sold of \(pieces)"] : []) + wrong
    }

    private func renewalFaults(_ contents: MemoryData) -> [String] {
        guard let owner = trade.renewals else { return [] }
        return renewed.indices.compactMap { number in
            let key = "troupe:\(owner):\(number):payment:charge"
            let isCharged = companies.bank.stands(key)
            guard Self.status(contents.ledger(owner, "\(number)")) == .completed else {
                return isCharged ? "renewal \(number) is cancelled and charged" : nil
            }
            let mayLack = kind.goesBack && companies.bank.isUndone(key)
            return isCharged || mayLack ? nil : "renewal \(number) is completed and not charged"
        }
    }

    /// Whether a completed order has to be counted as shipped: all are, but for one that left in a
    /// second that the store forgot.
    private func hasLeftStock(_ id: String, _ contents: MemoryData) -> Bool {
        guard kind.goesBack else { return true }
        return contents.ledger("inventory", id)["reserve"].map { LedgerEntry($0).state }
            == "finished"
    }

    /// What a completed order lacks.
    private func missing(_ order: SimulatedOrder) -> [String] {
        let id = order.id
        let isShipped = !order.country.isEmpty
        // Where the store has lost that it was cancelled, it was undone already, which is shown to
        // a person.
        let mayBeUndone = kind.goesBack
        func isThere(_ company: SimulatedCompany, _ step: String) -> Bool {
            company.stands(key(id, step)) || mayBeUndone && company.isUndone(key(id, step))
        }
        var faults: [String] = []
        if !isThere(companies.bank, "payment:charge") {
            faults.append("\(id) is completed and not charged")
        }
        let isArranged = isThere(companies.carrier, "shipping:arrange")
        let isDispatched = companies.dispatch.stands(key(id, "shipping:arrange:dispatch"))
        if isShipped, !isArranged { faults.append("\(id) is completed and not arranged") }
        if isShipped, !isDispatched { faults.append("\(id) is completed and not dispatched") }
        if !isShipped, isDispatched || companies.carrier.stands(key(id, "shipping:arrange")) {
            faults.append("\(id) is a download, and arranged or dispatched")
        }
        return faults
    }

    /// What is left of a cancelled order.
    private func leftOver(_ id: String, _ contents: MemoryData) -> [String] {
        let isCharged = companies.bank.stands(key(id, "payment:charge"))
        let isDispatched = companies.dispatch.stands(key(id, "shipping:arrange:dispatch"))
        if isDispatched, kind.goesBack {
            // Goods that left in a second that the store forgot do not come back; they are paid
            // for, unless their order was known again and cancelled.
            let isUnknown = contents.ledger("order", id)["lifecycle"]?.contains("unknown_saga")
            guard !isCharged, isUnknown == true else { return [] }
            return ["\(id) is dispatched, was forgotten, and is refunded"]
        }
        var faults: [String] = []
        if isCharged { faults.append("\(id) is cancelled and charged") }
        if companies.carrier.stands(key(id, "shipping:arrange")) {
            faults.append("\(id) is cancelled and arranged")
        }
        if isDispatched { faults.append("\(id) is cancelled and dispatched") }
        return faults
    }

    /// Ledgers that nobody lets go although their sagas have ended.
    private func kept(_ contents: MemoryData) -> [String] {
        contents.ledgers.keys.filter { !contents.ending.contains($0) }.sorted()
            .map { "ledger \($0) stays for ever" }
    }

    /// Where nothing is lost of what the store knows, nobody need be asked again.
    private func askedAgain(_ contents: MemoryData) -> [String] {
        let known = Set(contents.events("OrderCreated", owner: "order").map(\.correlationID))
        // What a client asks for has no cause, what a timer does has.
        return contents.events("OrderCancellationRequested", owner: "order")
            .filter { $0.causationID != nil && known.contains($0.correlationID) }
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

    private func hash(_ data: MemoryData, _ name: RecordName) -> [String: String] {
        guard
            case .hash(let fields) = data.record("inventory", name, at: simulation.clock.now)
        else { return [:] }
        return fields
    }
}
