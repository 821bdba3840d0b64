import CloudEvents
import SagaTestKit
import Synchronization
import Testing

@testable import Saga

@Suite(.timeLimit(.minutes(1)))
struct TryWatchTests {
    /// While it waits for its turn a try does not work, and is not cancelled for it.
    @Test func onlyWorkCountsAgainstTheLimit() async throws {
        let clock = VirtualClock()
        let (seen, sees) = AsyncStream.makeStream(of: [Bool].self)
        let known = Known()
        let dispatcher = Dispatcher(
            concurrency: 1, parkedMaximum: 1, executor: nil, clock: clock,
            work: { _, place in
                let watch = TryWatch(place, clock, limit: .seconds(10))
                var overdue: [Bool] = []
                func pass(_ seconds: Int) async {
                    let sleeping = Task { try? await clock.sleep(for: .seconds(seconds)) }
                    while !clock.advance(), !Task.isCancelled { await Task.yield() }
                    _ = await sleeping.value
                    let lanes = known.dispatcher.withLock { $0?.cancelOverdue() }
                    overdue.append(lanes?.isEmpty == false)
                }
                await pass(6)
                watch.waits(true)
                watch.waits(true)
                await pass(100)
                watch.waits(false)
                await pass(100)
                watch.waits(false)
                await pass(3)
                await pass(2)
                watch.end()
                sees.yield(overdue)
                return .done
            },
            acknowledge: { _ in })
        known.dispatcher.withLock { $0 = dispatcher }
        #expect(dispatcher.reserve(upTo: 1, orRing: Bell()) == 1)
        let event = CloudEvent(source: "/a", type: "T", subject: "1", data: Array("{}".utf8))
        dispatcher.admit([
            HeldEntry(stream: 0, id: "1", content: .event(event), deliveredBefore: false)
        ])

        for await overdue in seen {
            #expect(overdue == [false, false, false, false, true])
            break
        }
        dispatcher.stop()
        await dispatcher.drain()
    }
}

private final class Known: Sendable {
    let dispatcher = Mutex<Dispatcher?>(nil)
}
