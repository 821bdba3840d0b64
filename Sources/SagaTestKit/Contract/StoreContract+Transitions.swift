import CloudEvents
import Saga
import Testing

extension StoreContract {
    static let transitions: [StoreContract] = [
        StoreContract("a transition is applied as a whole") { parties in
            let store = parties.lender.store
            try await parties.lender.transport.prepare()
            let applied = try await store.apply(
                .lend("1") {
                    $0.set("loan:1", ["sum": "5"])
                    $0.increment("till", "sum", by: -5)
                    $0.set("note:1", text: "given")
                    $0.add("1", to: "loans", score: 2)
                    $0.add("0", to: "loans", score: 1)
                }, in: nil)

            #expect(applied == .applied)
            #expect(try await store.ledger(of: "1", fields: ["lend"])["lend"]?.state == "done")
            #expect(try await store.records.fields(of: "loan:1") == ["sum": "5"])
            #expect(
                try await store.records.fields(ofAll: ["till", "none"]) == [["sum": "-5"], [:]])
            #expect(try await store.records.text(of: "note:1") == "given")
            let members = try await store.records.members(of: "loans", after: nil, limit: 9)
            #expect(members == ["1", "0"])
            let rest = try await store.records.members(of: "loans", after: "1", limit: 9)
            #expect(rest == ["0"])
        },
        StoreContract("a record that is set to a value holds that, and nothing else") { parties in
            let store = parties.lender.store
            let loan = Loan(
                sum: .max, rate: 0.1, isSecured: true, to: "Ada \"A\" é\n", note: nil,
                parts: [1, -2])
            _ = try await store.apply(
                .lend("1") {
                    $0.set("loan:1", ["note": "of before", "other": "field"])
                }, in: nil)
            let changes = try Changes {
                try $0.set("loan:1", loan)
                try $0.set("loan:2", Loan(sum: 5))
                $0.increment("loan:2", "sum", by: 4)
            }
            #expect(try await store.apply(StoreTransition(changes: changes), in: nil) == .applied)

            let fields = try await store.records.fields(of: "loan:1")
            #expect(try await store.records.value(Loan.self, of: "loan:1") == loan)
            #expect(fields["sum"] == "9223372036854775807")
            #expect(fields.keys.sorted() == ["isSecured", "parts", "rate", "sum", "to"])
            let both = try await store.records.values(
                Loan.self, ofAll: ["loan:2", "loan:3", "loan:1"])
            #expect(both == [Loan(sum: 9), nil, loan])
        },
        StoreContract("the same transition again is answered, and changes nothing") { parties in
            let store = parties.lender.store
            let transition = StoreTransition.lend("1") { $0.increment("till", "sum", by: 1) }
            _ = try await store.apply(transition, in: nil)

            #expect(try await store.apply(transition, in: nil) == .applied)
            #expect(try await store.records.fields(of: "till") == ["sum": "1"])
        },
        StoreContract("a ledger keeps a note as it is, whatever its signs") { parties in
            let note = "{\"a\": \"b  c\"}\u{1E}{\"é\":\"\"}\u{1E}"
            let entry = LedgerEntry(state: "came:A,B", eventID: "e", note: note)
            func kept(_ next: LedgerEntry) -> StoreTransition {
                StoreTransition(
                    StoreTransition.Mark(
                        sagaID: "1", field: "join:lend", expected: "", next: next))
            }
            #expect(try await parties.lender.store.apply(kept(entry), in: nil) == .applied)

            let look = try await parties.lender.store.ledger(of: "1", fields: ["join:lend"])
            #expect(look["join:lend"] == entry)
            var other = entry
            other.eventID = "other"
            let refused = try await parties.lender.store.apply(kept(other), in: nil)
            #expect(refused == .refused(entry))
        },
        StoreContract("a transition can expect all of an entry, not only its state") { parties in
            let store = parties.lender.store
            func unknown(_ note: String, over text: String?) -> StoreTransition {
                var mark = StoreTransition.Mark(
                    sagaID: "1", field: "lend", expected: text == nil ? "" : "unknown",
                    next: LedgerEntry(state: "unknown", eventID: "e", note: note))
                mark.expectedText = text
                return StoreTransition(mark)
            }
            let first = LedgerEntry(state: "unknown", eventID: "e", note: "nobody knows")
            let second = LedgerEntry(state: "unknown", eventID: "e", note: "it is to be undone")
            _ = try await store.apply(unknown(first.note, over: nil), in: nil)

            let noted = try await store.apply(unknown(second.note, over: first.text), in: nil)
            let late = StoreTransition(
                {
                    var mark = StoreTransition.Mark(
                        sagaID: "1", field: "lend", expected: "unknown",
                        next: LedgerEntry(state: "done", eventID: "d"))
                    mark.expectedText = first.text
                    return mark
                }())

            #expect(noted == .applied)
            #expect(try await store.apply(late, in: nil) == .refused(second))
            let again = try await store.apply(unknown(second.note, over: first.text), in: nil)
            #expect(again == .applied, "it was this transition that did so")
        },
        StoreContract("a ledger that holds something else refuses, and says what") { parties in
            let store = parties.lender.store
            _ = try await store.apply(.lend("1"), in: nil)
            let other = StoreTransition.lend("1") { $0.set("loan:1", ["sum": "5"]) }

            guard case .refused(let entry) = try await store.apply(other, in: nil) else {
                Issue.record("it is applied twice")
                return
            }
            #expect(entry.state == "done")
            #expect(try await store.records.fields(of: "loan:1").isEmpty)
        },
        StoreContract("a condition that does not hold rejects, and nothing changes") { parties in
            let store = parties.lender.store
            _ = try await store.apply(
                StoreTransition(changes: Changes { $0.set("till", ["sum": "4", "is": "open"]) }),
                in: nil)
            let failure = BusinessFailure("no")
            let conditions: [(Bool, (inout Changes) -> Void)] = [
                (true, { $0.require("till", "sum", atLeast: 4, orElse: failure) }),
                (false, { $0.require("till", "sum", atLeast: 5, orElse: failure) }),
                (false, { $0.require("none", "sum", atLeast: 1, orElse: failure) }),
                (true, { $0.require("none", "sum", atLeast: 0, orElse: failure) }),
                (true, { $0.require("till", "is", equals: "open", orElse: failure) }),
                (false, { $0.require("till", "is", equals: "shut", orElse: failure) }),
                (true, { $0.requireExists("till", orElse: failure) }),
                (false, { $0.requireExists("none", orElse: failure) }),
                (false, { $0.requireAbsent("till", orElse: failure) }),
                (true, { $0.requireAbsent("none", orElse: failure) }),
            ]
            for (number, (holds, condition)) in conditions.enumerated() {
                let answer = try await store.apply(
                    .lend("\(number)") {
                        condition(&$0)
                        $0.set("loan:\(number)", ["sum": "5"])
                    }, in: nil)
                let record = RecordName("loan", id: "\(number)")

                #expect(answer == (holds ? .applied : .rejected(failure)), "\(number)")
                #expect(try await store.records.fields(of: record).isEmpty != holds, "\(number)")
                let ledger = try await store.ledger(of: "\(number)", fields: ["lend"])
                #expect((ledger["lend"] == nil) != holds, "\(number)")
            }
        },
        StoreContract("data at fault is said to be, and nothing changes") { parties in
            let store = parties.lender.store
            _ = try await store.apply(
                StoreTransition(
                    changes: Changes {
                        $0.set("word", text: "x")
                        $0.set("till", ["sum": "much"])
                    }), in: nil)
            let faults: [(inout Changes) -> Void] = [
                { $0.set("word", ["sum": "1"]) },
                { $0.add("1", to: "till", score: 1) },
                { $0.increment("till", "sum", by: 1) },
            ]
            for (number, fault) in faults.enumerated() {
                let error = await #expect(throws: SagaError.self) {
                    try await store.apply(
                        .lend("\(number)") {
                            $0.set("loan:1", ["sum": "5"])
                            fault(&$0)
                        }, in: nil)
                }
                #expect(error?.code == .unexpectedState, "\(number)")
                #expect(try await store.records.fields(of: "loan:1").isEmpty, "\(number)")
            }
        },
        StoreContract("what an ended epoch knew is not applied") { parties in
            let store = parties.lender.store
            let epoch = parties.lender.transport.epoch()
            _ = try await store.apply(.lend("1"), in: epoch)

            try await parties.subject.beginEpoch()

            let error = await #expect(throws: SagaError.self) {
                try await store.apply(.lend("2"), in: epoch)
            }
            #expect(error?.code == .epochOver)
            let present = try await parties.eventually("another epoch") {
                let present = parties.lender.transport.epoch()
                return present > epoch ? present : nil
            }
            #expect(try await store.apply(.lend("2"), in: present) == .applied)
        },
        StoreContract("ledgers are looked at in the order asked for") { parties in
            let store = parties.lender.store
            _ = try await store.apply(.lend("1"), in: nil)
            _ = try await store.apply(.lend("3"), in: nil)

            let looks = await store.ledgers(
                of: [("3", ["lend"]), ("2", ["lend"]), ("1", ["other", "lend"])])

            #expect(looks.map { $0?["lend"]?.state } == ["done", nil, "done"])
            #expect(looks.compactMap { $0?.form } == [.named, .sagaAndStep, .named])
        },
    ]
}

extension StoreTransition {
    /// The lender's step of a saga, with an event and an ID of its own.
    static func lend(
        _ sagaID: String, from: String = "", to: String = "done",
        _ gather: (inout Changes) -> Void = { _ in }
    ) -> StoreTransition {
        let event = CloudEvent(
            source: "/lender", type: LoanGiven.type, subject: sagaID, route: "loan",
            data: Array("{}".utf8))
        return StoreTransition(
            Mark(
                sagaID: sagaID, field: "lend", expected: from,
                next: LedgerEntry(state: to, eventID: event.id), form: .named),
            changes: Changes(gather), events: [event])
    }

    /// The asker's first word.
    static func ask(
        _ sagaID: String, within delay: Duration? = nil, padding: Int = 0
    ) -> StoreTransition {
        let event = CloudEvent(
            source: "/asker", type: LoanAsked.type, subject: sagaID, route: "loan",
            data: Array("{\"padding\":\"\(String(repeating: "x", count: padding))\"}".utf8))
        return StoreTransition(
            Mark(
                sagaID: sagaID, field: LifecycleState.field, expected: "",
                next: LedgerEntry(state: "pending", eventID: event.id)),
            changes: Changes {
                guard let delay else { return }
                $0.setTimer(sagaID, event: EventKind(deadlineOf: "asker").type, after: delay)
            }, events: [event])
    }
}

/// What the lender keeps of a loan, if it is kept as a value.
private struct Loan: Codable, Equatable {
    var sum: Int64
    var rate = 0.0
    var isSecured = false
    var to = ""
    var note: String?
    var parts: [Int] = []
}
