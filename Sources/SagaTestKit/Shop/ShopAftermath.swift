import Saga
import Synchronization

/// What comes over a shop whose orders have all come to their ends, and what must not follow.
///
///     a month goes by      ledgers are gone, companies have forgotten their keys
///     all data is lost     ledgers too, and the store says when its data came to be
///     its last moment is   the ledgers of orders whose goods have left are gone
///
/// After the first two, all events come again, as somebody may replay them. Nothing moves money or
/// goods any more: what is not known is shown to a person, or asked about.
final class ShopAftermath: Sendable {
    private enum Accident: CaseIterable { case age, loss, shortLoss }

    private let simulation: Simulation
    private let companies: SimulatedCompanies
    private let services: [String]
    private let found = Mutex<[String]>([])

    /// A little more than the life of ledgers, in milliseconds.
    private static let month: Int64 = 31 * 86_400_000
    /// In which books are looked into some times.
    private static let rest: Duration = .seconds(40)

    init(_ simulation: Simulation, _ companies: SimulatedCompanies, services: [String]) {
        self.simulation = simulation
        self.companies = companies
        self.services = services
    }

    /// What is wrong in the end.
    var faults: [String] { found.withLock { $0 } }

    /// Comes over the shop.
    ///
    /// - Parameter faults: what is wrong before.
    func come(faults: [String]) async {
        let before = standing
        let accidents = Accident.allCases
        let accident = accidents[simulation.below(accidents.count)]
        simulation.trace.note("all has ended; then: \(accident)")
        await happen(accident)
        try? await simulation.clock.sleep(for: Self.rest)
        let after = standing
        var changes = before.subtracting(after).sorted().map { "\($0) does not stand any more" }
        changes += after.subtracting(before).sorted().map { "\($0) stands, and did not before" }
        changes += doneTwice.map { "\($0) is done twice" }
        let all = faults + changes.map { "after \(accident): \($0)" }
        found.withLock { $0 = all }
    }

    private var standing: Set<String> {
        companies.bank.standing.union(companies.carrier.standing)
            .union(companies.dispatch.standing)
    }

    private var doneTwice: [String] {
        [companies.bank, companies.carrier, companies.dispatch].flatMap(\.doneTwice)
    }

    private func happen(_ accident: Accident) async {
        var contents = simulation.server.contents
        let streams = contents.streams
        switch accident {
        case .age:
            simulation.clock.shiftWall(by: Self.month)
            for name in contents.ending { contents.ledgers[name] = nil }
            for company in [companies.bank, companies.carrier, companies.dispatch] {
                company.forgetKeys()
            }
        case .loss:
            contents = MemoryData()
            for service in services { contents.born[service] = simulation.clock.wallMilliseconds }
        case .shortLoss:
            for name in contents.ledgers.keys where hasLeft(name) { contents.ledgers[name] = nil }
        }
        simulation.server.goBack(to: contents)
        guard accident != .shortLoss else { return }
        // When the data came to be is asked once a second.
        try? await simulation.clock.sleep(for: .seconds(5))
        replay(streams)
    }

    /// Whether a ledger is of an order whose goods have left.
    private func hasLeft(_ name: String) -> Bool {
        let sagaID = name.split(separator: ":").last.map(String.init)
        return companies.dispatch.standing.contains { key in
            let words = key.split(separator: ":").map(String.init)
            return words.count > 2 && words[2] == sagaID
        }
    }

    private func replay(_ streams: [String: MemoryData.Stream]) {
        try? simulation.server.change { data in
            for (name, stream) in streams.sorted(by: { $0.key < $1.key }) {
                for entry in stream.entries {
                    data.append(entry.bytes, sagaID: entry.sagaID, to: name)
                }
            }
        }
    }
}
