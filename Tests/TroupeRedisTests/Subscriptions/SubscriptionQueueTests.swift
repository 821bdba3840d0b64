import NIOCore
import Testing

@testable import TroupeRedis

@Suite(.timeLimit(.minutes(3)))
struct SubscriptionQueueTests {
    private func message(_ number: Int) -> RedisSubscriptionEvent {
        .message(
            RedisMessage(channel: "c", pattern: nil, payload: ByteBuffer(string: "\(number)")))
    }

    private func drain(_ queue: inout SubscriptionQueue) -> [RedisSubscriptionEvent] {
        var events: [RedisSubscriptionEvent] = []
        while let event = queue.pop() { events.append(event) }
        return events
    }

    @Test func keepsOrder() {
        var queue = SubscriptionQueue(.bounded(10))
        let events = [.active, message(1), message(2), .interrupted, .active, message(3)]
        for event in events { queue.push(event) }
        #expect(drain(&queue) == events)
    }

    @Test func replacesWhatOverflowsByAGap() {
        var queue = SubscriptionQueue(.bounded(3))
        queue.push(.active)
        for number in 1...4 { queue.push(message(number)) }
        #expect(drain(&queue) == [.interrupted, .active, message(4)])
        for number in 5...7 { queue.push(message(number)) }
        #expect(drain(&queue).count == 3)
    }

    @Test func neverHoldsMoreThanItsBound() {
        var queue = SubscriptionQueue(.bounded(4))
        for number in 0..<10_000 {
            queue.push(message(number))
            if number.isMultiple(of: 7) { queue.push(.interrupted) }
            if number.isMultiple(of: 3) { queue.push(.active) }
            #expect(queue.count <= 16)
        }
    }

    @Test func keepsOneRingOfADoorbell() {
        var queue = SubscriptionQueue(.doorbell)
        queue.push(.active)
        for number in 1...100 { queue.push(message(number)) }
        #expect(drain(&queue) == [.active, message(1)])
        queue.push(message(101))
        #expect(drain(&queue) == [message(101)])
    }

    @Test func foldsAFlappingConnection() {
        var queue = SubscriptionQueue(.doorbell)
        queue.push(.active)
        queue.push(message(1))
        for _ in 0..<1000 {
            queue.push(.interrupted)
            queue.push(.active)
        }
        #expect(drain(&queue) == [.active, message(1), .interrupted, .active])
        queue.push(.interrupted)
        queue.push(.interrupted)
        #expect(drain(&queue) == [.interrupted])
    }
}
