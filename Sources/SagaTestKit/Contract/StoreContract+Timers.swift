import CloudEvents
import Saga
import Testing

extension StoreContract {
    static let timers: [StoreContract] = [
        StoreContract("a timer that is due becomes one event") { parties in
            _ = try await parties.asker.timers.fireDue()
            _ = try await parties.asker.store.apply(.ask("1", within: .milliseconds(20)), in: nil)
            _ = try await parties.asker.store.apply(.ask("2", within: .seconds(60)), in: nil)

            let fired = try await parties.eventually("the first is due") {
                let fired = try await parties.asker.timers.fireDue()
                return fired.groups.isEmpty ? nil : fired
            }

            #expect(fired.groups.map(\.type) == [EventKind(deadlineOf: "asker").type])
            #expect(fired.groups.map(\.count) == [1])
            #expect(fired.set == 2, "what was due is counted")
            #expect(try await parties.asker.timers.fireDue().set == 1)
            let rest = try #require(try await parties.asker.timers.fireDue().rest)
            #expect(rest > .seconds(10) && rest <= .seconds(60))
        },
        StoreContract("a timer that is taken back never comes") { parties in
            let (store, id) = (parties.asker.store, "1")
            _ = try await store.apply(.ask(id, within: .milliseconds(20)), in: nil)
            _ = try await store.apply(
                StoreTransition(
                    changes: Changes {
                        $0.cancelTimer(id, event: EventKind(deadlineOf: "asker").type)
                    }), in: nil)
            _ = try await store.apply(.ask("2", within: .milliseconds(40)), in: nil)

            let fired = try await parties.eventually("the other is due") {
                let fired = try await parties.asker.timers.fireDue()
                return fired.groups.isEmpty ? nil : fired
            }

            #expect(fired.groups.map(\.count) == [1])
            let after = try await parties.asker.timers.fireDue()
            #expect(after.rest == nil)
            #expect(after.set == 0)
        },
        StoreContract("it counts what has begun and ended, and what is still to come") { parties in
            let (store, timers) = (parties.asker.store, parties.asker.timers)
            let question = LoadQuestion(
                begins: LoanAsked.type, ends: [LoanEnded.type, LoanCancelled.type],
                deadline: .seconds(60))
            let nothing = LoadCount(begun: 0, ended: 0, timers: 0, farTimers: 0)
            #expect(try await timers.count(question) == nothing)

            for (id, seconds) in [("1", 20), ("2", 50), ("3", 600), ("4", 700), ("5", 800)] {
                _ = try await store.apply(.ask(id, within: .seconds(seconds)), in: nil)
            }
            for type in [LoanEnded.type, LoanCancelled.type, LoanEnded.type] {
                let event = CloudEvent(
                    source: "/asker", type: type, subject: "1", data: Array("{}".utf8))
                _ = try await store.apply(StoreTransition(events: [event]), in: nil)
            }

            let found = try await timers.count(question)
            #expect(found == LoadCount(begun: 5, ended: 3, timers: 5, farTimers: 3))
        },
    ]
}
