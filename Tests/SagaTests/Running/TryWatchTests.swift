import CloudEvents
import SagaTestKit
import Synchronization
import Testing

@testable import Saga

@Suite(.timeLimit(.minutes(1)))
struct TryWatchTests {
    /// While it waits for its turn a try does not work, and is not cancelled for it.
    @Test func onlyWorkCountsAgainstTheLimit() async throws {
        let overdue = await Self.overdue(pulse: nil) { watch, pass in
            await pass(6)
            watch.waits(true)
            watch.waits(true)
            await pass(100)
            watch.waits(false)
            await pass(100)
            watch.waits(false)
            await pass(3)
            await pass(2)
        }
        #expect(overdue == [false, false, false, false, true])
    }

    /// As one that was stopped for a minute: the answer may have been there for as long.
    @Test func aProcessThatStandsStillGivesNothingUpForThat() async throws {
        let overdue = await Self.overdue(pulse: .seconds(2)) { watch, pass in
            await pass(60)
            for _ in 1...7 { await pass(1) }
            watch.waits(true)
            await pass(60)
            watch.waits(false)
        }
        #expect(!overdue.contains(true))
    }

    /// Whether a try of ten seconds is found overdue after each time that passes.
    private static func overdue(
        pulse: Duration?,
        _ course: @escaping @Sendable (TryWatch, (Int) async -> Void) async -> Void
    ) async -> [Bool] {
        let clock = VirtualClock()
        let (seen, sees) = AsyncStream.makeStream(of: [Bool].self)
        let known = Known()
        let dispatcher = Dispatcher(
            concurrency: 1, parkedMaximum: 1, executor: nil, clock: clock, pulse: pulse,
            work: { _, place in
                let watch = TryWatch(place, limit: .seconds(10))
                var overdue: [Bool] = []
                func pass(_ seconds: Int) async {
                    let sleeping = Task { try? await clock.sleep(for: .seconds(seconds)) }
                    while !clock.advance(), !Task.isCancelled { await Task.yield() }
                    _ = await sleeping.value
                    let lanes = known.dispatcher.withLock { $0?.cancelOverdue() }
                    overdue.append(lanes?.isEmpty == false)
                }
                await course(watch, pass)
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

        let overdue = await seen.first { _ in true } ?? []
        dispatcher.stop()
        await dispatcher.drain()
        return overdue
    }
}

private final class Known: Sendable {
    let dispatcher = Mutex<Dispatcher?>(nil)
}
