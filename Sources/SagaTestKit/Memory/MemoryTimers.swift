import CloudEvents
package import Saga
import Synchronization

/// One participant's timers in memory.
package final class MemoryTimers: SagaTimers {
    private let server: MemoryServer
    private let service: String
    private let route: String
    private let naming: SagaNaming
    private let grace: Duration
    private let chance: any SagaChance
    private let line: any MemoryLine
    /// The epoch in which timers are known to have their time.
    private let renewed: Mutex<StoreEpoch>

    package init(
        _ server: MemoryServer, plan: ParticipantPlan, chance: any SagaChance,
        line: any MemoryLine = SureLine()
    ) {
        self.server = server
        self.line = line
        self.chance = chance
        service = plan.name
        route = plan.route
        naming = plan.naming
        grace = plan.lifecycle?.deadline ?? .zero
        renewed = Mutex(server.epoch)
    }

    package func fireDue() async throws(SagaError) -> FiredTimers {
        let epoch = server.epoch
        let isNew = renewed.withLock { $0 != epoch }
        let fired = try await line.carry("\(service) timers") { () throws(SagaError) in
            try server.change(in: epoch) { data in
                if isNew { renew(&data) }
                return fire(&data)
            }
        }
        renewed.withLock { $0 = epoch }
        return fired
    }

    package func count(_ question: LoadQuestion) async throws(SagaError) -> LoadCount {
        try await line.carry("\(service) load") { () throws(SagaError) in
            let contents = server.contents
            func emitted(_ type: String) -> Int {
                contents.streams[MemoryData.stream(type, owner: service)]?.lastNumber ?? 0
            }
            let timers = (contents.timers[service] ?? [:]).values
            let far = server.clock.now + question.deadline
            return LoadCount(
                begun: emitted(question.begins),
                ended: question.ends.reduce(0) { $0 + emitted($1) },
                timers: timers.count, farTimers: timers.count { $0 > far })
        }
    }

    private func renew(_ data: inout MemoryData) {
        let time = server.clock.now + grace
        data.timers[service] = data.timers[service]?.mapValues { max($0, time) }
    }

    private func fire(_ data: inout MemoryData) -> FiredTimers {
        var fired = FiredTimers()
        let now = server.clock.now
        let timers = data.timers[service] ?? [:]
        fired.set = timers.count
        for (member, _) in timers.filter({ $0.value <= now }).sorted(by: { $0.key < $1.key }) {
            let words = member.split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2 else { continue }
            data.append(
                CloudEvent(
                    id: chance.eventID(), source: "/\(service)", type: words[0],
                    subject: naming.sagaID(of: words[1]),
                    time: server.clock.wallMilliseconds, coordination: "choreography",
                    route: route, data: Array("{}".utf8)),
                owner: service)
            data.timers[service]?[member] = nil
            fired.groups.append(FiredTimers.Group(type: words[0], count: 1))
        }
        fired.rest = data.timers[service]?.values.min().map { $0 - now }
        return fired
    }
}
