import Saga
import Testing

extension StoreContract {
    static let ends: [StoreContract] = [
        StoreContract("an end is noted where there is a ledger, and nowhere else") { parties in
            let store = parties.lender.store
            _ = try await store.apply(.lend("1"), in: nil)
            let ends = [SagaEnd("1", .completed), SagaEnd("2", .cancelled)]

            for _ in 0..<2 {
                try await store.note(SagaEndings(ends, steps: ["lend"]), in: nil)
            }

            let noted = try await store.ledger(of: "1", fields: ["end", "lend"])
            #expect(noted["end"].flatMap { LedgerEnd($0) } == .completed)
            #expect(noted["lend"]?.state == "done")
            #expect(try await store.ledger(of: "2", fields: ["end"])["end"] == nil)
        },
        StoreContract("what may come after the end finds it noted") { parties in
            let store = parties.lender.store

            try await store.note(
                SagaEndings([SagaEnd("1", .cancelled)], steps: ["lend"], mayComeLate: true),
                in: nil)

            let noted = try await store.ledger(of: "1", fields: ["end"])
            #expect(noted["end"].flatMap { LedgerEnd($0) } == .cancelled)
        },
        StoreContract("who has finished is awaited no more, and the last one ends the saga") {
            parties in
            let store = parties.asker.store
            let end = LedgerEnd.awaiting(["b", "a/x"], version: 2, said: #"{"a": "x y"}"#)
            _ = try await store.apply(completed(end), in: nil)
            func noted(_ news: SagaEnd.News) async throws -> LedgerEnd? {
                try await store.note(
                    SagaEndings([SagaEnd("1", news)], steps: [], timer: "Late"), in: nil)
                return try await store.ledger(of: "1", fields: ["end"])["end"]
                    .flatMap { LedgerEnd($0) }
            }

            #expect(try await noted(.finished(by: "c")) == end)
            #expect(
                try await noted(.finished(by: "b"))
                    == .awaiting(["a/x"], version: 2, said: #"{"a": "x y"}"#))
            #expect(try await noted(.finished(by: "a/x")) == .completed)
            #expect(try await noted(.finished(by: "b")) == .completed)
        },
        StoreContract("an end of an epoch that is over is not noted") { parties in
            let (store, transport) = (parties.lender.store, parties.lender.transport)
            _ = try await store.apply(.lend("1"), in: nil)
            let epoch = transport.epoch()
            try await parties.subject.beginEpoch()
            _ = try await parties.eventually("an epoch begins") {
                await transport.checkEpoch()
                return transport.epoch() > epoch ? true : nil
            }

            let error = await #expect(throws: SagaError.self) {
                try await store.note(
                    SagaEndings([SagaEnd("1", .completed)], steps: ["lend"]), in: epoch)
            }

            #expect(error?.code == .epochOver)
        },
        StoreContract("how far a group has come shows what it has dealt with, and what not") {
            parties in
            let transport = parties.lender.transport
            try await transport.prepare()
            try await parties.asker.transport.prepare()
            _ = try await parties.asker.store.apply(.ask("1"), in: nil)
            let unread = try await progress(parties, "unread") { !$0.isAtEnd }
            #expect(unread.oldestPending == nil)

            let reading = try await transport.read(
                [parties.asked], count: 1, in: transport.epoch())
            let read = try await progress(parties, "read") { $0.isAtEnd }
            #expect(read.oldestPending == read.delivered)
            #expect(read.delivered > 0)
            #expect(!read.hasDealt(until: read.delivered))

            let batch = EntryBatch(stream: parties.asked, ids: reading.entries.map(\.id))
            #expect(await transport.acknowledge([batch], in: transport.epoch()).count == 1)
            let end = try await progress(parties, "acknowledged") { $0.oldestPending == nil }
            #expect(end.hasDealt(until: read.delivered) && end.isAtEnd)
            await #expect(throws: SagaError.self) {
                try await transport.progress(of: "nobody", in: EventKind(LoanAsked.self))
            }
        },
    ]

    /// As it was within the last second.
    private static func progress(
        _ parties: ContractParties, _ what: String, _ holds: (GroupProgress) -> Bool
    ) async throws -> GroupProgress {
        try await parties.eventually(what) {
            let found = try await parties.lender.transport.progress(
                of: "lender", in: EventKind(LoanAsked.self))
            guard holds(found) else { return nil }
            return found
        }
    }

    private static func completed(_ end: LedgerEnd) -> StoreTransition {
        let entry = LedgerEntry(state: "completed", eventID: "e1")
        return StoreTransition(
            StoreTransition.Mark(
                sagaID: "1", field: "lifecycle", expected: "", next: entry, end: end,
                isLast: false))
    }
}
