import CloudEvents
import Foundation
import InventoryService
import OrderContracts
import OrderService
import Saga
import SagaRedis
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// All that Redis had is gone, elsewhere, or older than it was, and the companies' books are not:
/// not one refund, not one second charge.
@Suite(.timeLimit(.minutes(3)))
struct StoreLossTests {
    private static let month: Int64 = 31 * 86_400_000

    /// What a service that finds a store without any data may take for made since, at the most.
    private static let grace = Duration.milliseconds(1_500)

    private static func watch(_ settings: inout OrderSystem.Settings) {
        settings.saga.reconciliationInterval = .milliseconds(100)
        settings.saga.reconciliationGrace = .milliseconds(1)
        // What is under way is to be there still, however slow the machine is.
        settings.deadline = .seconds(600)
    }

    private func withServer(_ body: (RedisServer) async throws -> Void) async throws {
        let server = try await RedisServer.launch()
        do {
            try await body(server)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    // MARK: - Nothing is left

    /// Also what was made in the last moment before.
    @Test func everythingFlushedAndEveryEventReplayedCostsNobodyAnything() async throws {
        try await withServer { server in
            try await OrderSystem.run(on: server, Self.watch) { system in
                let count = 100
                _ = try await system.complete(count)
                try await system.addsUp()
                let before = await OutsideCount(of: system)
                let replay = try await StoredState(of: system).events()

                _ = try await system.redis.send(RedisCommand("FLUSHALL", []))
                try await system.allAreBorn()
                try await StoredState(of: system).deliver(replay)

                // Each of the four hears the first event that it does something upon.
                try await eventually("nothing was done on their account") {
                    try await system.letters("too_old") >= 4 * count
                }
                try await system.booksAreCompared()
                let found = try await system.reconcile()
                #expect(found.count == 2 * count)
                #expect(found.count(where: \.needsAPerson) == 2 * count)
                #expect(await OutsideCount(of: system) == before)
                #expect(before.charges == count && before.refunds == 0)
            }
        }
    }

    // MARK: - Elsewhere

    enum Mistake: CaseIterable { case redis, namespace }

    /// Some have paid, and wait for their goods; others have theirs.
    @Test(arguments: Mistake.allCases)
    func servicesStartedOnAWrongStoreLeaveAloneWhatTheirsHolds(mistake: Mistake) async throws {
        try await withServer { right in
            try await withServer { other in
                try await OrderSystem.run(on: right, Self.watch) { system in
                    let completed = try await system.complete(20)
                    await system.shipping.crash()
                    var waiting: [OrderID] = []
                    for _ in 0..<5 { waiting.append(try await system.place()) }
                    try await eventually("their goods are set aside") {
                        try await system.stock("1")?.reserved == 5
                    }
                    await system.crashAll()
                    let before = await OutsideCount(of: system)

                    try await begin(
                        beside: system, on: mistake == .redis ? other : right, mistake)

                    #expect(await system.company.refundCount == 0)
                    #expect(await system.carrier.cancelledCount == 0)
                    try await system.startAll()
                    for id in waiting + completed {
                        #expect(try await system.ended(id).status == .completed)
                    }
                    try await eventually("everybody has what he has paid for") {
                        try await OrderBooks(of: system).contradictions.isEmpty
                    }
                    // One was ordered meanwhile.
                    let after = await OutsideCount(of: system)
                    #expect(after.charges == before.charges + 1)
                    #expect(after.chargeCalls == before.chargeCalls + 1)
                    #expect(after.refunds == 0 && after.cancelled == 0)
                    try await eventually("all is on its way") {
                        await system.carrier.dispatchedPieces == 26
                    }
                }
            }
        }
    }

    /// Runs a system beside another one, on its companies, and takes one order there.
    private func begin(
        beside system: OrderSystem, on server: RedisServer, _ mistake: Mistake
    ) async throws {
        try await OrderSystem.run(on: server) {
            Self.watch(&$0)
            $0.saga.reconciliationGrace = Self.grace
            $0.company = system.company
            $0.carrier = system.carrier
            if mistake == .redis { $0.saga.namespace = system.settings.saga.namespace }
        } _: { wrong in
            try await eventually("what it holds is old enough to be looked at") {
                try await wrong.reconcile(acts: false).count == (mistake == .redis ? 45 : 0)
            }
            let new = try await wrong.place()
            #expect(try await wrong.ended(new).status == .completed)
            try await wrong.booksAreCompared()
            let found = try await wrong.reconcile()
            #expect(found.count == (mistake == .redis ? 45 : 0))
            #expect(found.count(where: \.needsAPerson) == found.count)
        }
    }

    // MARK: - Older than it was

    enum Meanwhile: CaseIterable { case servicesLive, servicesAreStartedAnew }

    /// Of the orders that came after it the backup knows nothing; of some it knows the beginning.
    @Test(arguments: Meanwhile.allCases)
    func anOldBackupCostsNobodyAnything(meanwhile: Meanwhile) async throws {
        try await withServer { server in
            try await OrderSystem.run(on: server, Self.watch) { system in
                _ = try await system.complete(10)
                await system.shipping.crash()
                var begun: [OrderID] = []
                for _ in 0..<10 { begun.append(try await system.place()) }
                try await eventually("their goods are set aside") {
                    try await system.stock("1")?.reserved == 10
                }
                _ = try await system.redis.send(RedisCommand("SAVE", []))
                let backup = try Backup(of: server)
                try await system.shipping.start()
                for id in begun { #expect(try await system.ended(id).status == .completed) }
                _ = try await system.complete(30)
                try await system.addsUp()
                let before = await OutsideCount(of: system)

                if meanwhile == .servicesAreStartedAnew { await system.crashAll() }
                await server.stop()
                try backup.restore()
                try await server.start()
                if meanwhile == .servicesAreStartedAnew { try await system.startAll() }

                for id in begun { #expect(try await system.ended(id).status == .completed) }
                var books = try await OrderBooks(of: system)
                try? await eventually("everybody has what he has paid for") {
                    // A link may have to be made anew once more.
                    guard let now = try? await OrderBooks(of: system) else { return false }
                    books = now
                    return books.contradictions.isEmpty
                }
                #expect(books.contradictions == [] && books.unshownCount == 30)
                try await system.booksAreCompared()
                let after = await OutsideCount(of: system)
                #expect(after.charges == before.charges && after.refunds == 0)
                #expect(after.net == before.net && after.cancelled == 0)
                #expect(after.dispatched == before.dispatched)
                // Each of the thirty has a charge that is asked about and a parcel that has left.
                let found = try await system.reconcile(acts: false)
                #expect(found.count == 60 && found.count(where: \.needsAPerson) == 30)
            }
        }
    }

    /// The file that Redis has written, and the place where it looks for it.
    private struct Backup {
        private let file: URL
        private let copy: URL

        init(of server: RedisServer) throws {
            file = URL(filePath: server.folder).appending(path: "dump.rdb")
            copy = URL(filePath: server.folder).appending(path: "backup.rdb")
            try FileManager.default.copyItem(at: file, to: copy)
        }

        func restore() throws {
            try FileManager.default.removeItem(at: file)
            try FileManager.default.copyItem(at: copy, to: file)
        }
    }

    // MARK: - A month later

    /// Every end that an order can come to, so that every event of all four services is there.
    @Test func whatAMonthAgoWasSaidSaysNothingWhereLedgersAreGone() async throws {
        try await withServer { server in
            try await OrderSystem.run(on: server, Self.watch) { system in
                var ids = try await system.complete(5)
                for request in [
                    OrderRequest.order(country: "AQ"), .order(token: "tok_declined"),
                    .order(product: "5", quantity: 6),
                ] {
                    ids.append(try await system.place(request))
                    _ = try await system.ended(ids[ids.count - 1])
                }
                try await system.addsUp()
                let before = await OutsideCount(of: system)
                var replay = try await StoredState(of: system).events()
                for index in replay.indices { replay[index].event.time -= Self.month }
                await system.company.age(by: Self.month)
                await system.carrier.age(by: Self.month)
                let keys = SagaKeys(namespace: system.settings.saga.namespace)
                let ledgers = ["order", "payment", "inventory", "shipping"].flatMap { service in
                    ids.map { keys.ledger($0.text, service: service) }
                }
                _ = try await system.redis.send(.del(ledgers))

                try await StoredState(of: system).deliver(replay)

                try await eventually("all is dealt with") {
                    try await StoredState(of: system).isDealtWith()
                }
                // Eight began, seven were paid for, goods of six were set aside, and five left.
                #expect(try await system.letters("too_old") >= 8 + 7 + 6 + 5)
                try await system.booksAreCompared()
                #expect(try await system.reconcile().isEmpty)
                #expect(await OutsideCount(of: system) == before)
            }
        }
    }
}
