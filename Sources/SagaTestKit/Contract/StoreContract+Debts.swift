import Saga
import Testing

extension StoreContract {
    static let debts: [StoreContract] = [
        StoreContract("what is owed stands until it is settled, and nobody gets it twice at once") {
            parties in
            let (store, debts) = (parties.lender.store, parties.lender.debts)
            _ = try await store.apply(.lend("1"), in: nil)

            let isNew = try await debts.park(debt("1"), trace("1"), for: .zero, in: nil)

            #expect(isNew)
            let blocked = try await store.ledger(of: "1", fields: ["blocked", "owes"])
            #expect(blocked["blocked"]?.state == "lend")
            #expect(blocked["owes"]?.state == "lend")
            let due = try await parties.eventually("it is due") {
                let due = try await debts.takeDue(8)
                return due.debts.isEmpty ? nil : due
            }
            #expect(due.blocked == 1)
            #expect(due.oldest != nil)
            let found = try #require(due.debts.first)
            #expect((found.sagaID, found.step, found.type) == ("1", "lend", "LoanAsked"))
            #expect((found.entryID, found.tries, found.error) == ("7-0", 1, "no answer"))
            #expect(found.event == Array(#"{"a":"ü"}"#.utf8))
            #expect(try await parties.otherLender().debts.takeDue(8).debts.isEmpty)

            try await debts.settle(found, isDone: true)

            let after = try await debts.takeDue(8)
            #expect((after.blocked, after.oldest, after.rest) == (0, nil, nil))
            let ledger = try await store.ledger(of: "1", fields: ["blocked", "owes", "lend"])
            #expect(ledger["blocked"] == nil)
            #expect(ledger["owes"] == nil)
            #expect(ledger["lend"]?.state == "done")
        },
        StoreContract("who asks again changes nothing of what is owed, who tried again does") {
            parties in
            let debts = parties.lender.debts
            _ = try await debts.park(debt("1"), trace("1"), for: .seconds(60), in: nil)

            let isNew = try await debts.park(debt("1", error: "x"), trace("1"), for: .zero, in: nil)

            #expect(!isNew)
            #expect(try await debts.takeDue(0).rest ?? .zero > .seconds(10))
            _ = try await debts.park(
                debt("1", tries: 2, error: "still none"), trace("1"), for: .zero, in: nil)
            let due = try await parties.eventually("it is due") {
                let due = try await debts.takeDue(8)
                return due.debts.isEmpty ? nil : due
            }
            #expect(due.debts.map(\.tries) == [2])
            #expect(due.debts.map(\.error) == ["still none"])
            #expect(due.blocked == 1)
        },
        StoreContract("what a step owes leaves the fields of all others as they are") { parties in
            let (store, debts) = (parties.lender.store, parties.lender.debts)

            _ = try await debts.park(debt("1"), trace("1"), for: .zero, in: nil)

            let ledger = try await store.ledger(of: "1", fields: ["lend", "other", "owes:other"])
            #expect(ledger["other"] == nil)
            #expect(ledger["owes:other"] == nil)
        },
        StoreContract("anybody may know whether a step of a saga is blocked at a participant") {
            parties in
            let debts = parties.lender.debts
            func isBlocked(
                _ saga: String, at step: String = "lend", of participant: String = "lender"
            ) async throws -> Bool {
                try await debts.isBlocked(saga, on: "loan", at: step, of: participant)
            }
            #expect(try await isBlocked("1") == false)

            _ = try await debts.park(debt("1"), trace("1"), for: .zero, in: nil)

            #expect(try await isBlocked("1"))
            #expect(try await isBlocked("1", at: "give") == false)
            #expect(try await isBlocked("2") == false)
            #expect(try await isBlocked("1", of: "nobody") == false)
            _ = try await debts.park(debt("1", step: "give"), trace("1"), for: .zero, in: nil)
            #expect(try await isBlocked("1", at: "give"))
            try await debts.settle(debt("1"), isDone: false)
            try await debts.settle(debt("1", step: "give"), isDone: true)
            #expect(try await isBlocked("1"), "it has a letter")
            #expect(try await isBlocked("1", at: "give"), "so it may have one too")
        },
        StoreContract("what asks a person is counted for as long as it does") { parties in
            let debts = parties.lender.debts
            let question = Debt.asking("Was it lent?")
            _ = try await debts.park(debt("1"), trace("1"), for: .seconds(60), in: nil)
            _ = try await debts.park(
                debt("2", error: question), trace("2"), for: .seconds(60), in: nil)
            _ = try await debts.park(
                debt("2", step: "give", error: question), trace("2", "give"), for: .seconds(60),
                in: nil)

            let asking = try await debts.takeDue(0)
            #expect((asking.blocked, asking.owing, asking.asking) == (2, 2, 1))
            #expect(asking.blocked(.owes) == 1)
            #expect(asking.blocked(.asks) == 1)
            #expect(asking.blocked(.letter) == 0)

            try await debts.settle(debt("2", step: "give"), isDone: true)
            #expect(try await debts.takeDue(0).asking == 1, "the other step asks still")
            _ = try await debts.park(
                debt("2", tries: 2, error: "no answer"), trace("2"), for: .seconds(60), in: nil)
            #expect(try await debts.takeDue(0).asking == 0)

            _ = try await debts.park(
                debt("2", tries: 3, error: question), trace("2"), for: .seconds(60), in: nil)
            #expect(try await debts.takeDue(0).asking == 1)
            try await debts.settle(debt("2"), isDone: true)
            let after = try await debts.takeDue(0)
            #expect((after.owing, after.asking) == (1, 0))
        },
        StoreContract("who has a letter alone owes nothing") { parties in
            _ = try await parties.lender.store.keep(
                DeadLetter(
                    event: [], stream: "s", id: "1-0", reason: .tooManyDeliveries, error: "x",
                    attempts: 3, firstTime: 0, lastTime: 0), trace("1"), in: nil)

            let look = try await parties.lender.debts.takeDue(0)

            #expect(look.blocked(.owes) == 0)
            #expect(look.blocked(.asks) == 0)
            #expect(look.blocked(.letter) == 1)
        },
        StoreContract("steps that may have acted are noted together with what is owed") { parties in
            var trace = trace("1")
            trace.form = .named
            trace.unknown = [
                DeadLetter.Trace.Mark(
                    step: "lend", expected: "", entry: LedgerEntry(state: "unknown", eventID: "e"))
            ]
            _ = try await parties.lender.debts.park(debt("1"), trace, for: .zero, in: nil)

            let ledger = try await parties.lender.store.ledger(of: "1", fields: ["lend"])

            #expect(ledger["lend"]?.state == "unknown")
            #expect(ledger.form == .named)
        },
        StoreContract("all that is owed can be due at once, and each step for itself") { parties in
            let debts = parties.lender.debts
            for step in ["lend", "give"] {
                _ = try await debts.park(
                    debt("1", step: step), trace("1", step), for: .seconds(60), in: nil)
            }
            _ = try await debts.park(debt("2"), trace("2"), for: .seconds(60), in: nil)
            #expect(try await debts.takeDue(8).debts.isEmpty)

            try await debts.hurry()

            let due = try await debts.takeDue(8)
            #expect(
                due.debts.map { "\($0.sagaID) \($0.step)" }.sorted()
                    == ["1 give", "1 lend", "2 lend"])
            #expect(due.blocked == 2)
            for debt in due.debts where debt.step == "lend" {
                try await debts.settle(debt, isDone: true)
            }
            let ledger = try await parties.lender.store.ledger(of: "1", fields: ["owes"])
            #expect(ledger["owes"]?.state == "give")
            #expect(try await debts.takeDue(8).blocked == 1)
        },
        StoreContract("what one saga owes can be due at once, and nothing else with it") {
            parties in
            let debts = parties.lender.debts
            for saga in ["1", "2"] {
                _ = try await debts.park(debt(saga), trace(saga), for: .seconds(60), in: nil)
            }

            try await debts.hurry(of: "1")
            try await debts.hurry(of: "nobody")

            #expect(try await debts.takeDue(8).debts.map(\.sagaID) == ["1"])
            #expect(try await debts.takeDue(0).blocked == 2)
        },
        StoreContract("whose ledger has moved by itself is blocked no more, and tried at once") {
            parties in
            let (store, debts) = (parties.lender.store, parties.lender.debts)
            _ = try await store.apply(.lend("1"), in: nil)
            _ = try await debts.park(debt("1"), trace("1"), for: .seconds(60), in: nil)
            try await debts.noteProgress(of: "1")
            #expect(try await debts.takeDue(8).blocked == 1)
            _ = try await store.apply(.lend("1", from: "done", to: "compensated"), in: nil)

            try await debts.noteProgress(of: "1")

            let due = try await debts.takeDue(8)
            #expect(due.blocked == 0)
            #expect(due.debts.map(\.sagaID) == ["1"])
        },
        StoreContract("a number of different things may be undone within an hour, by all together")
        {
            parties in
            let (one, other) = (parties.lender.store, try parties.otherLender().store)
            #expect(try await one.mayUndo("a", atMost: 2))
            #expect(try await other.mayUndo("b", atMost: 2))
            #expect(try await one.mayUndo("b", atMost: 2), "it was counted already")
            #expect(try await one.mayUndo("c", atMost: 2) == false)
            #expect(try await other.mayUndo("c", atMost: 3))
        },
        StoreContract("what is owed is parked in the epoch of its entry, or not at all") {
            parties in
            let epoch = parties.lender.transport.epoch()
            try await parties.subject.beginEpoch()
            await parties.lender.transport.checkEpoch()

            await #expect(throws: SagaError.self) {
                _ = try await parties.lender.debts.park(
                    debt("1"), trace("1"), for: .zero, in: epoch)
            }
        },
    ]

    private static func debt(
        _ sagaID: String, step: String = "lend", tries: Int = 1, error: String = "no\nanswer"
    ) -> Debt {
        Debt(
            sagaID: sagaID, step: step, tries: tries, type: "LoanAsked", entryID: "7-0",
            event: Array(#"{"a":"ü"}"#.utf8), error: error)
    }

    private static func trace(_ sagaID: String, _ step: String = "lend") -> DeadLetter.Trace {
        var trace = DeadLetter.Trace(sagaID: sagaID)
        trace.blocked = (step, "e")
        return trace
    }
}
