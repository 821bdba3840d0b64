import CloudEvents
import Saga
import Synchronization
import Testing

extension StoreContract {
    static let delivery: [StoreContract] = [
        StoreContract("each entry goes to one process, in order, until it is dealt with") {
            parties in
            try await parties.lender.transport.prepare()
            for number in 1...5 {
                _ = try await parties.asker.store.apply(.ask("\(number)"), in: nil)
            }
            let (one, two) = (parties.lender.transport, try parties.otherLender().transport)
            let (epoch, asked) = (one.epoch(), parties.asked)

            let first = try await one.read([asked], count: 2, in: epoch)
            let second = try await two.read([asked], count: 9, in: two.epoch())
            #expect(first.entries.map(\.lane) == ["1", "2"])
            #expect(second.entries.map(\.lane) == ["3", "4", "5"])
            #expect(try await one.read([asked], count: 9, in: epoch).entries.isEmpty)
            #expect(first.entries.allSatisfy { !$0.deliveredBefore })

            let acknowledged = await one.acknowledge(
                [EntryBatch(stream: asked, ids: [first.entries[0].id])], in: epoch)
            #expect(acknowledged.map { $0 == nil } == [true])
            let ids = try await one.pending(asked, after: "0", idle: .zero, count: 9, in: epoch)
            #expect(ids == [first.entries[1].id])
            #expect(
                try await one.pending(asked, after: ids[0], idle: .zero, count: 9, in: epoch)
                    .isEmpty)
            let others = second.entries.map(\.id)
            let pending = try await one.fetch(asked, ids + others, .all, in: epoch)
            #expect(pending.entries.map(\.lane) == ["2"])
            #expect(pending.entries.allSatisfy { $0.deliveredBefore })
            #expect(pending.last[asked] == others.last, "all of them were looked at")
        },
        StoreContract("what is too large for one read is pending, and comes in portions") {
            parties in
            let transport = parties.lender.transport
            try await transport.prepare()
            for (number, share) in [0.6, 0.6, 1.2, 0.6].enumerated() {
                let size = Int(share * Double(ContractParties.readBytes))
                _ = try await parties.asker.store.apply(.ask("\(number)", padding: size), in: nil)
            }
            let (epoch, asked) = (transport.epoch(), parties.asked)

            let error = await #expect(throws: SagaError.self) {
                try await transport.read([asked], count: 9, in: epoch)
            }
            #expect(error?.code == .tooLarge)
            var ids = try await transport.pending(
                asked, after: "0", idle: .zero, count: 9, in: epoch)
            #expect(ids.count == 4)
            let first = try await transport.fetch(asked, ids, .all, in: epoch)
            #expect(first.entries.map(\.lane) == ["0"])
            #expect(first.last[asked] == ids.first)
            ids.removeFirst()
            let second = try await transport.fetch(asked, ids, .all, in: epoch)
            #expect(second.entries.count == 2 && second.last[asked] == ids[1])
            guard case .unreadable(let named) = second.entries.last?.content else {
                Issue.record("an entry came that is too large")
                return
            }
            #expect(named.reason == .tooLarge && named.sagaID == "2" && named.bytes.isEmpty)
        },
        StoreContract("what another holds is taken over once nobody has touched it for so long") {
            parties in
            let (one, two) = (parties.lender.transport, try parties.otherLender().transport)
            try await one.prepare()
            for number in 1...2 {
                _ = try await parties.asker.store.apply(.ask("\(number)"), in: nil)
            }
            let (epoch, asked) = (one.epoch(), parties.asked)
            let entries = try await one.read([asked], count: 9, in: epoch).entries
            #expect(entries.count == 2)
            let kept = EntryBatch(stream: asked, ids: [entries[0].id])

            let taken = try await parties.eventually("the second is taken over") {
                try await one.renew(kept, in: epoch)
                let taken = try await two.takeOver(
                    asked, from: "one", idle: .milliseconds(200), count: 9, in: two.epoch())
                return taken.count == 0 ? nil : taken.count
            }

            #expect(taken == 1)
            let ids = try await two.pending(
                asked, after: "0", idle: .zero, count: 9, in: two.epoch())
            let idle = try await two.pending(
                asked, after: "0", idle: .seconds(60), count: 9, in: two.epoch())
            #expect(idle.isEmpty)
            let fetched = try await two.fetch(asked, ids, .all, in: two.epoch())
            #expect(fetched.entries.map(\.lane) == ["2"])
            #expect(fetched.entries.allSatisfy { $0.deliveredBefore })
            let left = try await one.pending(asked, after: "0", idle: .zero, count: 9, in: epoch)
            #expect(left == kept.ids)
        },
        StoreContract("what was read in an epoch that is over is not dealt with") { parties in
            let (transport, asked) = (parties.lender.transport, parties.asked)
            try await transport.prepare()
            _ = try await parties.asker.store.apply(.ask("1"), in: nil)
            let epoch = transport.epoch()
            let entries = try await transport.read([asked], count: 9, in: epoch).entries
            let batch = EntryBatch(stream: asked, ids: entries.map(\.id))
            try await parties.subject.beginEpoch()

            let errors = await transport.acknowledge([batch], in: epoch)

            #expect(errors.count == 1 && errors.first??.code == .epochOver)
            let present = try await parties.eventually("another epoch") {
                await transport.checkEpoch()
                return transport.epoch() > epoch ? transport.epoch() : nil
            }
            let left = try await transport.pending(
                asked, after: "0", idle: .zero, count: 9, in: present)
            #expect(batch.ids.count == 1 && left == batch.ids)
        },
        StoreContract("a name is borne by one process, until that is silent for too long") {
            parties in
            let (one, two) = (parties.lender.transport, try parties.otherLender().transport)
            try await one.prepare()
            _ = try await parties.asker.store.apply(.ask("1"), in: nil)
            #expect(try await one.claim("one", "a", for: .seconds(60)))
            #expect(try await one.claim("one", "a", for: .seconds(60)), "it bears it already")
            #expect(try await two.claim("one", "b", for: .seconds(60)) == false)
            #expect(two.consumer == "two")
            _ = try await one.read([parties.asked], count: 9, in: one.epoch())
            let other = try #require(try await two.consumers().first { $0.name == "one" })
            #expect(other.isAlive && other.pending == [parties.asked])
            #expect(try await one.consumers().contains { $0.name == "one" } == false)

            #expect(try await one.renew("a", for: .milliseconds(1)))
            _ = try await parties.eventually("it is dead") {
                try await two.consumers().first { $0.name == "one" && !$0.isAlive }
            }
            #expect(try await one.renew("a", for: .seconds(60)) == false)
            #expect(try await two.claim("one", "b", for: .seconds(60)))
            #expect(two.consumer == "one")
            try await one.release("a")
            #expect(try await two.renew("b", for: .seconds(60)), "only its bearer gives it up")
            try await two.release("b")
            #expect(try await two.renew("b", for: .seconds(60)) == false)
        },
        StoreContract("a note under a name outlives its process, and one inherits it") { parties in
            let (one, two) = (parties.lender.transport, try parties.otherLender().transport)
            #expect(try await one.claim("one", "1", for: .seconds(600)))
            #expect(try await two.claim("two", "2", for: .seconds(600)))
            #expect(try await two.mark(of: "one") == "")
            #expect(try await one.mark("a\nb", "1"))
            #expect(try await two.mark(of: "one") == "a\nb")

            #expect(try await two.takeMark(of: "one", holding: "a", leaving: "c", "2") == false)
            #expect(try await two.takeMark(of: "one", holding: "a\nb", leaving: "c", "2"))
            #expect(try await two.takeMark(of: "one", holding: "a\nb", leaving: "d", "2") == false)

            #expect(try await one.mark(of: "one") == "")
            #expect(try await one.mark(of: "two") == "c")
            #expect(try await two.takeMark(of: "two", holding: "c", leaving: "e", "2"))
            #expect(try await one.mark(of: "two") == "e", "also of its own name")
            #expect(try await two.mark("", "2"))
            #expect(try await one.mark(of: "two") == "")
        },
        StoreContract("who has lost its name leaves no note under it") { parties in
            let (one, two) = (parties.lender.transport, try parties.otherLender().transport)
            #expect(try await one.claim("one", "1", for: .seconds(600)))
            #expect(try await two.claim("two", "2", for: .seconds(600)))
            #expect(try await one.mark("a", "1"))
            #expect(try await two.mark("b", "2"))

            #expect(try await two.mark("x", "stalled") == false)
            #expect(try await two.mark("", "stalled") == false)
            let isTaken = try await two.takeMark(
                of: "one", holding: "a", leaving: "x", "stalled")

            #expect(!isTaken)
            #expect(try await one.mark(of: "two") == "b")
            #expect(try await one.mark(of: "one") == "a")
        },
        StoreContract("the lag is what nobody has read") { parties in
            let transport = parties.lender.transport
            try await transport.prepare()
            for number in 1...3 {
                _ = try await parties.asker.store.apply(.ask("\(number)"), in: nil)
            }
            _ = try await transport.read([parties.asked], count: 1, in: transport.epoch())

            #expect(try await transport.keepHouse().lags[parties.asked] == 2)
        },
        StoreContract("doorbells ring, and the participant hears its own events") { parties in
            try await parties.lender.transport.prepare()
            let heard = Heard()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await parties.lender.transport.listen(to: [parties.asked]) {
                        heard.rings.withLock { $0 += 1 }
                    }
                }
                group.addTask {
                    await parties.asker.transport.listen(toOwn: [LoanAsked.type]) { announced in
                        guard case .event(_, let read) = announced else { return }
                        heard.subjects.withLock { $0.append(read()?.subject ?? "") }
                    }
                }
                var number = 0
                _ = try await parties.eventually("both have heard") {
                    number += 1
                    _ = try await parties.asker.store.apply(.ask("\(number)"), in: nil)
                    await parties.subject.letTimePass()
                    // The first ring may have been for the beginning.
                    return heard.isEnough ? true : nil
                }
                group.cancelAll()
            }
            #expect(heard.subjects.withLock { $0.allSatisfy { Int($0) != nil } })
        },
    ]
}

private final class Heard: Sendable {
    let rings = Mutex(0)
    let subjects = Mutex<[String]>([])

    var isEnough: Bool { rings.withLock { $0 > 1 } && subjects.withLock { !$0.isEmpty } }
}

extension ReadPlan.Portion {
    /// As much as one read may bring.
    fileprivate static let all = ReadPlan.Portion(
        count: 256, bytes: ContractParties.readBytes, entryBytes: ContractParties.readBytes)
}
