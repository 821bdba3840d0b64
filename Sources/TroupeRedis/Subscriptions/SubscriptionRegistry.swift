import DequeModule

// What should be subscribed, what is, and who waits for it.
//
//   add/remove ──▶ wanted ──request──▶ outstanding ──confirmed──▶ in place
//                    ▲                                               │
//                    └──────────── disconnected: nothing is ─────────┘
//
// A topic (channel or pattern) is requested when its first subscriber comes and given up when
// its last one goes. The server confirms each topic of each request in order, so a topic is in
// place when all its requests are confirmed and the last one wanted it. A subscriber is active
// while all its topics are in place. The server refuses a request as a whole; then its topics
// are asked for one by one, so that only those that are forbidden stay out. They are asked for
// again now and then: a right may be given at any time, and nobody tells of it.

/// Bookkeeping of subscriptions on one connection.
///
/// Pure.
struct SubscriptionRegistry {
    typealias ID = Int

    enum Topic: Hashable {
        case channel(String)
        case pattern(String)

        var name: String {
            switch self {
            case .channel(let name), .pattern(let name): name
            }
        }
    }

    struct Request: Equatable {
        var topics: [Topic]
        var isSubscribe: Bool
    }

    enum Refusal: Equatable {
        /// These are forbidden; `isNews` unless they were when they were last asked for.
        case final([Topic], isNews: Bool)
        case retry([Request])
    }

    private struct TopicState {
        var subscribers: Set<ID> = []
        var isWanted = false
        var isRefused = false
        /// It was refused when it was last answered.
        var wasRefused = false
        var outstanding = 0
    }

    private struct Subscriber {
        var topics: [Topic]
        var isActive = false
    }

    /// Topics named in one command; keeps commands small enough to be written at once.
    static let topicsPerRequest = 256

    private var topics: [Topic: TopicState] = [:]
    private var subscribers: [ID: Subscriber] = [:]
    private var requests = Deque<(request: Request, confirmed: Int)>()
    private var isConnected = false

    /// Registers a subscriber.
    ///
    /// - Returns: what to send, and whether everything is in place already.
    mutating func add(_ id: ID, _ wanted: [Topic]) -> (requests: [Request], isActive: Bool) {
        let wanted = Array(Set(wanted))
        subscribers[id] = Subscriber(topics: wanted)
        var missing: [Topic] = []
        for topic in wanted {
            var state = topics[topic] ?? TopicState()
            state.subscribers.insert(id)
            if !state.isWanted || state.isRefused { missing.append(topic) }
            topics[topic] = state
        }
        let requests = request(missing, isSubscribe: true)
        return (requests, activate(id))
    }

    /// Forgets a subscriber.
    mutating func remove(_ id: ID) -> [Request] {
        guard let subscriber = subscribers.removeValue(forKey: id) else { return [] }
        var abandoned: [Topic] = []
        for topic in subscriber.topics {
            topics[topic]?.subscribers.remove(id)
            if topics[topic]?.subscribers.isEmpty == true { abandoned.append(topic) }
        }
        let requests = request(abandoned, isSubscribe: false)
        for topic in abandoned { forgetIfDone(topic) }
        return requests
    }

    /// A new connection is ready: everything wanted is requested.
    mutating func connected() -> [Request] {
        isConnected = true
        return request(Array(topics.keys), isSubscribe: true)
    }

    /// The connection is gone.
    ///
    /// - Returns: who was active and is not any more.
    mutating func disconnected() -> [ID] {
        isConnected = false
        requests = []
        for topic in Array(topics.keys) {
            topics[topic]?.isWanted = false
            topics[topic]?.isRefused = false
            topics[topic]?.wasRefused = false
            topics[topic]?.outstanding = 0
            forgetIfDone(topic)
        }
        let interrupted = subscribers.filter(\.value.isActive).map(\.key)
        for id in interrupted { subscribers[id]?.isActive = false }
        return interrupted
    }

    /// The server confirmed the next topic of the oldest request.
    ///
    /// - Returns: who became active by it; nil if nothing was asked for.
    mutating func confirmed() -> [ID]? {
        guard let (request, before) = requests.first else { return nil }
        let topic = request.topics[before]
        if before + 1 == request.topics.count {
            requests.removeFirst()
        } else {
            requests[0].confirmed = before + 1
        }
        topics[topic]?.outstanding -= 1
        topics[topic]?.wasRefused = false
        forgetIfDone(topic)
        guard let state = topics[topic], state.outstanding == 0 else { return [] }
        return state.subscribers.filter { activate($0) }.sorted()
    }

    /// The server refused the oldest request, which it does as a whole.
    ///
    /// - Returns: the topic that is not permitted, or the same topics one by one when there
    ///   were several; nil if nothing was asked for.
    mutating func refused() -> Refusal? {
        guard let (request, _) = requests.popFirst() else { return nil }
        for topic in request.topics { topics[topic]?.outstanding -= 1 }
        guard request.topics.count == 1 else {
            let retries = request.topics.flatMap { self.request([$0], isSubscribe: true) }
            return .retry(retries)
        }
        var isNews = false
        for topic in request.topics {
            if topics[topic]?.wasRefused == false { isNews = true }
            topics[topic]?.isRefused = true
            topics[topic]?.wasRefused = true
            forgetIfDone(topic)
        }
        return .final(request.topics, isNews: isNews)
    }

    /// Asks again for what was refused, each by itself.
    mutating func askAgain() -> [Request] {
        let refused = topics.filter { $0.value.isRefused && !$0.value.subscribers.isEmpty }
        return refused.keys.flatMap { request([$0], isSubscribe: true) }
    }

    /// Who gets messages on a topic.
    func subscribers(of topic: Topic) -> Set<ID> { topics[topic]?.subscribers ?? [] }

    /// Everybody, for the end.
    var all: [ID] { Array(subscribers.keys) }

    private mutating func request(_ wanted: [Topic], isSubscribe: Bool) -> [Request] {
        guard isConnected else { return [] }
        var made: [Request] = []
        let channels = wanted.filter { if case .channel = $0 { true } else { false } }
        let patterns = wanted.filter { if case .pattern = $0 { true } else { false } }
        for kind in [channels, patterns] {
            var rest = kind[...]
            while !rest.isEmpty {
                made.append(
                    Request(
                        topics: Array(rest.prefix(Self.topicsPerRequest)),
                        isSubscribe: isSubscribe))
                rest = rest.dropFirst(Self.topicsPerRequest)
            }
        }
        for request in made {
            requests.append((request, 0))
            for topic in request.topics {
                topics[topic]?.outstanding += 1
                topics[topic]?.isWanted = isSubscribe
                topics[topic]?.isRefused = false
            }
        }
        return made
    }

    /// True if the subscriber becomes active now.
    private mutating func activate(_ id: ID) -> Bool {
        guard isConnected, let subscriber = subscribers[id], !subscriber.isActive else {
            return false
        }
        let isComplete = subscriber.topics.allSatisfy { topic in
            guard let state = topics[topic] else { return false }
            return state.isWanted && !state.isRefused && state.outstanding == 0
        }
        if isComplete { subscribers[id]?.isActive = true }
        return isComplete
    }

    private mutating func forgetIfDone(_ topic: Topic) {
        guard let state = topics[topic], state.subscribers.isEmpty, state.outstanding == 0 else {
            return
        }
        topics[topic] = nil
    }
}
