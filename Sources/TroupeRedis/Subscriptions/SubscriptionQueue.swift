import DequeModule

// What waits for one subscriber. Bounded, and honest about what it dropped:
//
//   active  message message message   full →   interrupted active message …
//
// When it is full, everything in it is dropped and replaced by `interrupted`, `active`: the
// subscriber has to look at the truth anyway, and what follows `active` is complete again.
// A connection that comes and goes while nobody reads leaves one such pair, not many.

/// The events that wait for one subscriber.
///
/// Pure.
struct SubscriptionQueue {
    private let buffer: RedisSubscription.Buffer
    private var events = Deque<RedisSubscriptionEvent>()
    private var messages = 0

    init(_ buffer: RedisSubscription.Buffer) {
        self.buffer = buffer
    }

    var isEmpty: Bool { events.isEmpty }
    var count: Int { events.count }

    mutating func push(_ event: RedisSubscriptionEvent) {
        switch event {
        case .active:
            if case .active = events.last { return }
            events.append(event)
        case .interrupted:
            interrupt()
        case .message:
            push(message: event)
        }
    }

    mutating func pop() -> RedisSubscriptionEvent? {
        let event = events.popFirst()
        if case .message = event { messages -= 1 }
        return event
    }

    private mutating func push(message: RedisSubscriptionEvent) {
        switch buffer {
        case .doorbell:
            if messages > 0 { return }
        case .bounded(let limit):
            if messages >= max(1, limit) {
                events = [.interrupted, .active]
                messages = 0
            }
        }
        events.append(message)
        messages += 1
    }

    private mutating func interrupt() {
        // "interrupted, active, interrupted" says no more than "interrupted".
        if case .active = events.last, events.count > 1,
            case .interrupted = events[events.count - 2]
        {
            events.removeLast()
        }
        if case .interrupted = events.last { return }
        events.append(.interrupted)
    }
}
