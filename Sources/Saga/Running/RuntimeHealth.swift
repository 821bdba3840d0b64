import Synchronization

/// What keeps a runtime from doing its work, as its latest calls to Redis say.
final class RuntimeHealth: Sendable {
    private enum Part: Hashable {
        case transition
        case request
        case halfApplied
        case timers
        case debts
        case publish(type: String)
        case reading(owner: String)
        case readingStream(String)
    }

    private struct Trouble {
        var since: ContinuousClock.Instant
        var latest: ContinuousClock.Instant
        var text: String
    }

    private struct State {
        var troubles: [Part: Trouble] = [:]
        var logged: [String: ContinuousClock.Instant] = [:]
        var deaf = Dispatcher.Deaf()
    }

    /// A fault that is over sooner is none: a connection is made again.
    private static let patience: Duration = .seconds(5)
    /// What fails is tried again within seconds; one that is heard of no more was given up.
    private static let memory: Duration = .seconds(15)
    private static let logInterval: Duration = .seconds(10)
    private static let loggedMaximum = 64
    private static let shownMaximum = 3

    private let clock: any SagaClock
    private let state = Mutex(State())
    /// Whether any trouble is known, so that who has none to tell need not ask for the time.
    private let isTroubled = Atomic(false)

    init(clock: any SagaClock = SystemSagaClock()) {
        self.clock = clock
    }

    /// Sentences, safe to show; empty if the work gets done.
    func faults(at now: ContinuousClock.Instant? = nil) -> [String] {
        let now = now ?? clock.now
        let texts = state.withLock { state in
            var texts = state.troubles.compactMap { part, trouble -> String? in
                guard now - trouble.latest < Self.memory else { return nil }
                switch part {
                case .publish, .halfApplied: return trouble.text
                case .transition, .request, .timers, .debts, .reading, .readingStream: break
                }
                return now - trouble.since > Self.patience ? trouble.text : nil
            }
            if state.deaf.keepsSlots { texts.append(Self.text(state.deaf)) }
            return texts
        }
        return Set(texts).sorted()
    }

    /// What does not work although the work gets done.
    var impairments: [String] {
        state.withLock { state in
            state.deaf.lanes.isEmpty || state.deaf.keepsSlots ? [] : [Self.text(state.deaf)]
        }
    }

    /// Which handlers go on although they were cancelled, of all that run.
    func deaf(_ deaf: Dispatcher.Deaf) {
        state.withLock { $0.deaf = deaf }
    }

    private static func text(_ deaf: Dispatcher.Deaf) -> String {
        let count = deaf.lanes.count
        let names = deaf.lanes.sorted().prefix(shownMaximum).map { String($0.prefix(80)) }
        let sagas = names.joined(separator: ", ") + (count > shownMaximum ? ", …" : "")
        return count == 1
            ? "a handler goes on although it was cancelled, of saga \(sagas)"
            : "\(count) handlers go on although they were cancelled, of sagas \(sagas)"
    }

    /// Whether the messages of these events went out; what Redis said if one of them did not.
    ///
    /// By type, as a right to some channels is none to all. Who is not ready may be left without
    /// an event that could show that the right is there again, so this is forgotten like the rest.
    func publish(
        _ types: some Sequence<String>, _ refusal: String?,
        at now: ContinuousClock.Instant? = nil
    ) {
        let text = refusal.map { "Redis refuses to publish events: \($0)" }
        for type in types { note(.publish(type: type), text, at: now) }
    }

    /// Whether the latest transition had an answer.
    func transition(_ error: SagaError?) {
        note(.transition, error.map { "Redis refuses transitions: \(Self.reason($0))" })
    }

    /// Whether the latest saga that was to begin, or to be cancelled, could be.
    func request(_ error: SagaError?) {
        note(.request, error.map { "Redis refuses to begin or cancel sagas: \(Self.reason($0))" })
    }

    /// A transition failed after it had begun to write; the next one may too.
    func halfApplied(_ error: SagaError) {
        note(
            .halfApplied,
            "a transition was left half written, see the dead letters: \(Self.reason(error))")
    }

    /// Whether the latest look at the timers worked.
    func timers(_ error: SagaError?) {
        note(.timers, error.map { "timers cannot be fired: \(Self.reason($0))" })
    }

    /// Whether the latest look at what is owed worked.
    func debts(_ error: SagaError?) {
        note(.debts, error.map { "what is blocked cannot be tried again: \(Self.reason($0))" })
    }

    /// Whether the latest read of an owner's streams worked.
    func reading(_ owner: String, _ error: SagaError?) {
        note(
            .reading(owner: owner),
            error.map { "the streams of \(owner) cannot be read: \(Self.reason($0))" })
    }

    /// Whether the latest read of one stream, apart from others, worked.
    func reading(stream: String, _ error: SagaError?) {
        note(
            .readingStream(stream),
            error.map { "the stream \(stream) cannot be read: \(Self.reason($0))" })
    }

    /// Whether something that repeats itself is to be logged now.
    func isNews(_ text: String, at now: ContinuousClock.Instant? = nil) -> Bool {
        let now = now ?? clock.now
        return state.withLock { state in
            if let last = state.logged[text], now - last < Self.logInterval { return false }
            if state.logged.count >= Self.loggedMaximum { state.logged = [:] }
            state.logged[text] = now
            return true
        }
    }

    private func note(
        _ part: Part, _ text: String?, at now: ContinuousClock.Instant? = nil
    ) {
        if text == nil, !isTroubled.load(ordering: .acquiring) { return }
        let now = now ?? clock.now
        state.withLock { state in
            defer { isTroubled.store(!state.troubles.isEmpty, ordering: .releasing) }
            guard let text else {
                state.troubles[part] = nil
                return
            }
            var trouble = state.troubles[part] ?? Trouble(since: now, latest: now, text: text)
            if now - trouble.latest > Self.memory { trouble.since = now }
            trouble.latest = now
            trouble.text = text
            state.troubles[part] = trouble
        }
    }

    private static func reason(_ error: SagaError) -> String {
        error.answer ?? error.message
    }
}
