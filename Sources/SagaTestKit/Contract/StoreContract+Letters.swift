import CloudEvents
import Saga
import Testing

extension StoreContract {
    static let letters: [StoreContract] = [
        StoreContract("a letter leaves its trace in the ledger, once") { parties in
            let store = parties.lender.store
            _ = try await store.apply(.lend("2"), in: nil)
            for (sagaID, state) in [("1", "unknown"), ("2", "done")] {
                let trace = trace(sagaID, expecting: "")

                let first = try await store.keep(letter(sagaID), trace, in: nil)
                let again = try await store.keep(letter(sagaID), trace, in: nil)

                #expect(first.map(\.state) == [sagaID == "1" ? "" : "done"])
                #expect(again.map(\.state) == [state])
                let ledger = try await store.ledger(of: sagaID, fields: ["lend"])
                #expect(ledger["lend"]?.state == state)
            }
        },
        StoreContract("what is blocked is so until its step moves on") { parties in
            let store = parties.lender.store
            _ = try await store.apply(.lend("1"), in: nil)
            var trace = DeadLetter.Trace(sagaID: "1")
            trace.blocked = (step: "lend", eventID: "e")
            try await store.keep(letter("1"), trace, in: nil)
            let blocked = try await store.ledger(of: "1", fields: ["blocked"])
            #expect(blocked["blocked"]?.state == "lend")

            _ = try await store.apply(.lend("1", from: "done", to: "compensated"), in: nil)

            let after = try await store.ledger(of: "1", fields: ["blocked", "lend"])
            #expect(after["blocked"] == nil)
            #expect(after["lend"]?.state == "compensated")
        },
        StoreContract("a first step does not take a block away") { parties in
            let store = parties.lender.store
            var trace = DeadLetter.Trace(sagaID: "1")
            trace.blocked = (step: "lend", eventID: "e")
            try await store.keep(letter("1"), trace, in: nil)

            _ = try await store.apply(.lend("1", to: "tombstone"), in: nil)

            let after = try await store.ledger(of: "1", fields: ["blocked"])
            #expect(after["blocked"]?.state == "lend")
        },
    ]

    private static func letter(_ id: String) -> DeadLetter {
        DeadLetter(
            event: Array("{}".utf8), stream: "stream", id: "\(id)-0", reason: .undecodable,
            error: "x", attempts: 1, firstTime: 1, lastTime: 2)
    }

    private static func trace(_ sagaID: String, expecting state: String) -> DeadLetter.Trace {
        var trace = DeadLetter.Trace(sagaID: sagaID)
        trace.form = .named
        trace.unknown = [
            DeadLetter.Trace.Mark(
                step: "lend", expected: state, entry: LedgerEntry(state: "unknown", eventID: "e"))
        ]
        return trace
    }
}
