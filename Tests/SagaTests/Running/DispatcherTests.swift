import CloudEvents
import SagaTestKit
import Synchronization
import Testing

@testable import Saga

/// Lanes go from worker to worker, and no worker takes anything over from the lane before.
@Suite(.timeLimit(.minutes(1)))
struct DispatcherTests {
    /// What an entry's work saw of its task.
    private struct Sight: Sendable {
        var id: String
        var task: Int
        var isCancelled: Bool
    }

    private static func entry(_ id: String, saga: String? = nil) -> HeldEntry {
        HeldEntry(
            stream: 0, id: id,
            content: .event(
                CloudEvent(source: "/a", type: "T", subject: saga ?? id, data: Array("{}".utf8))),
            deliveredBefore: false)
    }

    /// A dispatcher whose work hangs, until it is cancelled, for entries that are called so.
    private static func make() -> (Dispatcher, AsyncStream<Sight>.AsyncIterator) {
        let (sights, seen) = AsyncStream.makeStream(of: Sight.self)
        let dispatcher = Dispatcher(
            concurrency: 8, parkedMaximum: 8, executor: nil,
            work: { entry, place in
                let task = withUnsafeCurrentTask { $0?.hashValue ?? 0 }
                let isCancelled = Task.isCancelled
                if entry.id.hasPrefix("hangs") {
                    place.limit(.zero)
                    seen.yield(Sight(id: entry.id, task: task, isCancelled: isCancelled))
                    try? await Task.sleep(for: .seconds(3_600))
                    place.limit(nil)
                }
                return .done
            },
            acknowledge: { entry in
                let task = withUnsafeCurrentTask { $0?.hashValue ?? 0 }
                seen.yield(Sight(id: entry.id, task: task, isCancelled: Task.isCancelled))
            })
        return (dispatcher, sights.makeAsyncIterator())
    }

    private static func admit(_ id: String, saga: String? = nil, to dispatcher: Dispatcher) {
        #expect(dispatcher.reserve(upTo: 1, orRing: Bell()) == 1)
        dispatcher.admit([entry(id, saga: saga)])
    }

    /// Admits lanes one after another until one of them met a worker that had rested.
    @Test func aWorkerTakesTheNextLane() async {
        var (dispatcher, sights) = Self.make()
        var known: Set<Int> = []
        var number = 0
        while true {
            number += 1
            Self.admit("\(number)", to: dispatcher)
            guard let sight = await sights.next() else { break }
            #expect(sight.id == "\(number)")
            if !known.insert(sight.task).inserted { break }
        }
        dispatcher.stop()
        await dispatcher.drain()
    }

    @Test func aCancelledWorkerDoesNotGoOnWithItsLane() async {
        var (dispatcher, sights) = Self.make()
        Self.admit("hangs", saga: "a", to: dispatcher)
        Self.admit("next", saga: "a", to: dispatcher)
        #expect(await sights.next()?.id == "hangs")
        #expect(dispatcher.cancelOverdue() == ["a"])
        #expect(await sights.next()?.isCancelled == true)

        let next = await sights.next()

        #expect(next?.id == "next" && next?.isCancelled == false)
        dispatcher.stop()
        await dispatcher.drain()
    }

    @Test func aCancelledWorkerTakesNoOtherLane() async {
        var (dispatcher, sights) = Self.make()
        Self.admit("hangs", to: dispatcher)
        let hanging = await sights.next()
        #expect(hanging?.isCancelled == false)
        #expect(dispatcher.cancelOverdue() == ["hangs"])
        #expect(await sights.next()?.isCancelled == true)

        for number in 1...20 {
            Self.admit("\(number)", to: dispatcher)
            #expect(await sights.next()?.isCancelled == false)
        }
        #expect(dispatcher.cancelOverdue().isEmpty)
        dispatcher.stop()
        await dispatcher.drain()
    }

    /// As an undoing does, which goes on when its worker was cancelled for taking too long.
    @Test func aPauseInATaskOfItsOwnHearsOfTheStop() async {
        let (ends, ended) = AsyncStream.makeStream(of: Bool.self)
        let dispatcher = Dispatcher(
            concurrency: 1, parkedMaximum: 2, executor: nil,
            work: { _, place in
                ended.yield(await Task { await place.pause(.seconds(3_600)) }.value)
                return .left
            },
            acknowledge: { _ in })
        Self.admit("pauses", to: dispatcher)
        // The only slot is free again once its holder pauses.
        let bell = Bell()
        while dispatcher.reserve(upTo: 1, orRing: bell) == 0 { await bell.awaitRing() }
        dispatcher.giveBack(1)

        dispatcher.stop()

        for await goesOn in ends {
            #expect(!goesOn)
            break
        }
        await dispatcher.drain()
    }

    /// None of the three comes to an end, so that no other slot gets free than those given back.
    @Test func asManyGoOnAsSlotsGetFree() async {
        let (ends, ended) = AsyncStream.makeStream(of: String.self)
        let (gate, stop) = (Latch(), Latch())
        let dispatcher = Dispatcher(
            concurrency: 3, parkedMaximum: 9, executor: nil,
            work: { entry, place in
                guard await place.pause(until: { await gate.wait() }) else { return .left }
                ended.yield(entry.id)
                await stop.wait()
                return .done
            },
            acknowledge: { _ in })
        for id in ["1", "2", "3"] { Self.admit(id, to: dispatcher) }
        let bell = Bell()
        var taken = 0
        while taken < 3 {
            let reserved = dispatcher.reserve(upTo: 3 - taken, orRing: bell)
            taken += reserved
            if reserved == 0 { await bell.awaitRing() }
        }
        gate.open()
        while dispatcher.resumingCount < 3, !Task.isCancelled { await Task.yield() }

        dispatcher.giveBack(3)

        var goneOn: Set<String> = []
        for await id in ends where goneOn.insert(id).inserted && goneOn.count == 3 { break }
        #expect(goneOn == ["1", "2", "3"])
        stop.open()
        dispatcher.stop()
        await dispatcher.drain()
    }

    /// Else it would read again and again what brings nothing.
    @Test func whoIsKeptOutHearsNothingOfSlotsThatGetFree() async {
        let (order, seen) = AsyncStream.makeStream(of: String.self)
        let gate = Latch()
        let dispatcher = Dispatcher(
            concurrency: 2, parkedMaximum: 1, executor: nil,
            work: { _, place in
                guard await place.pause(until: { await gate.wait() }) else { return .left }
                seen.yield("goes on")
                return .done
            },
            acknowledge: { _ in })
        Self.admit("waits", to: dispatcher)
        while !dispatcher.isFullOfCalls, !Task.isCancelled { await Task.yield() }
        let bell = Bell()
        #expect(dispatcher.reserve(upTo: 1, orRing: bell) == 0)
        let hears = Task {
            await bell.awaitRing()
            seen.yield("is read")
        }

        let other = dispatcher.reserve(upTo: 2, callsOutside: false, orRing: bell)
        dispatcher.giveBack(other)
        for _ in 0..<1_000 { await Task.yield() }
        gate.open()

        #expect(other == 2)
        var said = order.makeAsyncIterator()
        #expect(await said.next() == "goes on")
        #expect(await said.next() == "is read")
        await hears.value
        dispatcher.stop()
        await dispatcher.drain()
    }

    /// Two who do not end stand for all slots there are; then they do.
    @Test func theSlotOfWorkThatIgnoresItsEndIsLentUntilItComesBack() async throws {
        let clock = VirtualClock()
        let (ends, ended) = AsyncStream.makeStream(of: String.self)
        let stop = Latch()
        let dispatcher = Dispatcher(
            concurrency: 2, parkedMaximum: 9, executor: nil, clock: clock,
            work: { entry, place in
                guard entry.id.hasPrefix("deaf") else { return .done }
                place.limit(.seconds(1))
                ended.yield("began")
                await stop.wait()
                place.answers()
                ended.yield("came back")
                return .done
            },
            acknowledge: { ended.yield($0.id) })
        var said = ends.makeAsyncIterator()
        for id in ["deaf 1", "deaf 2"] {
            Self.admit(id, to: dispatcher)
            #expect(await said.next() == "began")
        }
        #expect(dispatcher.cancelOverdue().isEmpty)
        clock.move(to: clock.now + .seconds(2))
        #expect(dispatcher.cancelOverdue().sorted() == ["deaf 1", "deaf 2"])
        #expect(dispatcher.lendSlots().lanes.isEmpty)
        let bell = Bell()
        #expect(dispatcher.reserve(upTo: 1, orRing: bell) == 0)

        clock.move(to: clock.now + .seconds(11))
        let deaf = dispatcher.lendSlots()

        #expect(deaf.new.sorted() == ["deaf 1", "deaf 2"] && !deaf.keepsSlots)
        await bell.awaitRing()
        Self.admit("other", to: dispatcher)
        #expect(await said.next() == "other")
        let again = dispatcher.lendSlots()
        #expect(again.lanes.count == 2 && again.new.isEmpty)
        #expect(dispatcher.held(in: StoreEpoch())[0]?.count == 2, "nobody else may have them")
        stop.open()
        var late: [String] = []
        for _ in 1...4 { late.append(await said.next() ?? "") }
        #expect(late.sorted() == ["came back", "came back", "deaf 1", "deaf 2"])
        dispatcher.stop()
        await dispatcher.drain()
        #expect(dispatcher.lendSlots().lanes.isEmpty)
    }

    /// It comes while the work has not begun, as before a look at the ledger: nothing is cancelled,
    /// and what begins then learns of it.
    @Test func whatUndoesAnEntryIsKnownWhenItsWorkBegins() async throws {
        let streams = ConsumedStream.all(of: try ParticipantPlan(OrderSaga.payment), key: \.type)
        func entry(_ type: String, _ data: String) throws -> HeldEntry {
            HeldEntry(
                stream: try #require(streams.firstIndex { $0.type == type }), id: type,
                content: .event(
                    CloudEvent(source: "/a", type: type, subject: "1", data: Array(data.utf8))),
                deliveredBefore: false)
        }
        let (sights, seen) = AsyncStream.makeStream(of: String.self)
        let gate = Bell()
        let dispatcher = Dispatcher(
            concurrency: 8, parkedMaximum: 8, executor: nil, streams: streams,
            work: { entry, place in
                seen.yield(entry.id)
                if entry.id == OrderCreated.type { await gate.awaitRing() }
                let isOther = place.mayBeCalledOff("other")
                #expect(!isOther, "nothing undoes that")
                let isCalledOff = place.mayBeCalledOff("charge")
                seen.yield("\(isCalledOff) \(Task.isCancelled)")
                return .done
            }, acknowledge: { _ in })
        var iterator = sights.makeAsyncIterator()
        #expect(dispatcher.reserve(upTo: 2, orRing: Bell()) == 2)
        dispatcher.admit([try entry("OrderCreated", "{}")])
        #expect(await iterator.next() == "OrderCreated")

        dispatcher.admit([
            try entry("OrderCancellationRequested", #"{"reason":"r","detail":"d"}"#)
        ])
        gate.ring()

        #expect(await iterator.next() == "true false")
        #expect(await iterator.next() == "OrderCancellationRequested")
        #expect(await iterator.next() == "false false", "it is called off by nobody")
        dispatcher.stop()
        await dispatcher.drain()
    }

    @Test func idleWorkersEndWhenItStops() async {
        weak var gone: Dispatcher?
        do {
            var (dispatcher, sights) = Self.make()
            gone = dispatcher
            for number in 1...8 { Self.admit("\(number)", to: dispatcher) }
            for _ in 1...8 { _ = await sights.next() }
            dispatcher.stop()
            await dispatcher.drain()
        }
        // A worker that waited would keep it.
        while gone != nil, !Task.isCancelled { await Task.yield() }
    }
}

/// Once it is open everybody passes, whether cancelled or not.
private final class Latch: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
