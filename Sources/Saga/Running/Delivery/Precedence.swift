import CloudEvents

/// Which entries of a saga go before others, and make vain what runs.
///
///     forward runs ───────────────────────────▶ cancelled: unknown ─▶ undone
///     forward waits ──┐                               ▲
///     to be undone ───┴─▶ to be undone, forward       │
///            └────────────────────────────────────────┘
///
/// Between streams there is no order, so what is to be undone is undone whichever comes first. But
/// a step whose undoing waits behind it keeps its saga for as long as it is tried, and what it
/// does is for nothing.
struct Precedence: Sendable {
    private let streams: [ConsumedStream]
    /// By stream and route, the steps that its events start, and those that they undo.
    private let started: [[String: Set<String>]]
    private let undone: [[String: Set<String>]]
    /// Whoever is on one route alone takes what names any other for its own.
    private let isOnOneRoute: Bool

    init(_ streams: [ConsumedStream]) {
        self.streams = streams
        isOnOneRoute = Set(streams.flatMap { $0.meanings.map(\.route) }).count < 2
        started = streams.map { stream in
            Self.onEachRoute(stream) { Set($0.started.map(\.name)) }
        }
        undone = streams.map { stream in
            Self.onEachRoute(stream) { consumed in
                Set(
                    consumed.roles.compactMap { role in
                        if case .compensate(let step, _) = role { step.name } else { nil }
                    })
            }
        }
    }

    /// What says no route is of the first that the stream is for.
    private static let unsaid = ""

    private static func onEachRoute(
        _ stream: ConsumedStream, _ steps: (ParticipantPlan.Consumed) -> Set<String>
    ) -> [String: Set<String>] {
        var found: [String: Set<String>] = [:]
        for (route, consumed) in stream.meanings {
            let steps = steps(consumed)
            if found.isEmpty { found[unsaid] = steps }
            found[route] = steps
        }
        return found
    }

    private func steps(
        _ byRoute: [[String: Set<String>]], _ stream: Int, on route: String?
    ) -> Set<String> {
        guard byRoute.indices.contains(stream) else { return [] }
        let route = isOnOneRoute ? Self.unsaid : route ?? Self.unsaid
        return byRoute[stream][route] ?? []
    }

    /// Whether it is to undo something, and will not end among the dead letters instead.
    func goesFirst(_ entry: HeldEntry) -> Bool {
        guard !steps(undone, entry.stream, on: entry.route).isEmpty,
            case .event(let event) = entry.content
        else { return false }
        let kind = streams[entry.stream].consumed.kind
        guard event.type == kind.type, event.dataVersion <= kind.version else { return false }
        do throws(SagaError) {
            try kind.check(event.data)
            return true
        } catch {
            return false
        }
    }

    /// What one read brought, with those in front that go first, and how many these are.
    func order(_ entries: [HeldEntry]) -> (all: [HeldEntry], firstCount: Int) {
        guard entries.contains(where: { undoes($0.stream) }) else { return (entries, 0) }
        var first: [HeldEntry] = []
        var rest: [HeldEntry] = []
        for entry in entries {
            if goesFirst(entry) { first.append(entry) } else { rest.append(entry) }
        }
        return (first + rest, first.count)
    }

    private func undoes(_ stream: Int) -> Bool {
        undone.indices.contains(stream) && undone[stream].values.contains { !$0.isEmpty }
    }

    /// Sagas of two routes may have the same ID; what does not say its route may be of any.
    private func isSameRoute(_ entry: HeldEntry, _ other: HeldEntry) -> Bool {
        guard let first = entry.route, let second = other.route else { return true }
        return first == second
    }

    /// The steps that an entry that goes first undoes, of those that another one of its saga
    /// starts.
    func calledOff(by entry: HeldEntry, of other: HeldEntry) -> Set<String> {
        guard streams.indices.contains(other.stream), entry.epoch == other.epoch,
            isSameRoute(entry, other)
        else { return [] }
        let route = entry.route ?? other.route
        return steps(undone, entry.stream, on: route)
            .intersection(steps(started, other.stream, on: route))
    }
}
