import Testing

/// What does not fit its leg does not compile.
@Suite(
    .timeLimit(.minutes(1)),
    .enabled(if: Compiler.path != nil, "there is no swiftc on the PATH"))
struct CompiledRouteTests {
    private static let stay = """
        import Saga

        struct Asked: SagaEvent { static let owner = "desk"; var city: String }
        struct Held: SagaEvent { static let owner = "hotel"; var room: String }
        struct Refused: FailureEvent { static let owner = "hotel"; var reason, detail: String }
        struct Freed: UndoneEvent { static let owner = "hotel" }
        struct Laid: SagaEvent { static let owner = "kitchen"; var table: Int }
        struct Unlaid: FailureEvent { static let owner = "kitchen"; var reason, detail: String }

        enum Stay {
            static let hold = Leg(
                "hold", by: "hotel", on: Asked.self, emits: Held.self, orElse: Refused.self,
                undone: Freed.self)
            static let lay = Leg(
                "lay", by: "kitchen", on: Held.self, emits: Laid.self, orElse: Unlaid.self)
            static let both = Leg(
                "both", by: "kitchen", on: Asked.self, Held.self, emits: Laid.self,
                orElse: Unlaid.self)
            static let clear = FinishingLeg(of: lay, on: Laid.self)
        }

        """

    /// Expects errors in the lines that end in `// no: …`, each with that text, and no others.
    private func expectRefusals(
        _ text: String, location: SourceLocation = #_sourceLocation
    ) throws {
        let lines = (Self.stay + text).split(separator: "\n", omittingEmptySubsequences: false)
        var expected: [Int: Substring] = [:]
        for (index, line) in lines.enumerated() {
            guard let mark = line.firstRange(of: "// no: ") else { continue }
            expected[index + 1] = line[mark.upperBound...]
        }
        let errors = try Compiler.errors(in: Self.stay + text)
        #expect(
            errors.keys.sorted() == expected.keys.sorted(), "\(errors)", sourceLocation: location)
        for (line, part) in expected {
            let error = errors[line] ?? ""
            #expect(error.contains(part), "line \(line): \(error)", sourceLocation: location)
        }
    }

    @Test func whatFitsItsLegCompiles() throws {
        try expectRefusals(
            """
            let held = Perform(Stay.hold) { asked, _ in
                Transition(Held(room: asked.city))
            } undo: { _ in
            }
            let heldAndSaid = Perform(Stay.hold) { asked, _ in
                Transition(Held(room: asked.city))
            } undo: { _ in
                Transition(Freed())
            }
            let heldByName = Perform(Stay.hold, undo: { _ in }) { asked, _ in
                Transition(Held(room: asked.city))
            }
            let laid = Perform(Stay.lay) { held, _ in Transition(Laid(table: held.room.count)) }
                .finish(Stay.clear) { _, _ in Changes() }
            let both = Perform(Stay.both) { came, _ in
                Transition(Laid(table: came.0.city.count + came.1.room.count))
            }
            let route = FormerLeg("lay", by: "kitchen", orElse: Unlaid.self, undone: Freed.self)
            """)
    }

    @Test func anotherPayloadThanTheLegsDoesNotCompile() throws {
        try expectRefusals(
            """
            let success = Perform(Stay.lay) { _, _ in
                Transition(Held(room: "1"))  // no: 'Held' to expected argument type 'Laid'
            }
            let undone = Perform(Stay.hold) { _, _ in
                Transition(Held(room: "1"))
            } undo: { _ in
                let event = Laid(table: 1)
                return Transition(event)  // no: Transition<Laid>
            }
            let finish = Perform(Stay.lay) { _, _ in Transition(Laid(table: 1)) }
                .finish(Stay.clear) { (held: Held, _) in Changes() }  // no: (Held, StepContext)
            let failure = Leg(  // no: 'Laid' conform to 'FailureEvent'
                "lay", by: "kitchen", on: Held.self, emits: Laid.self, orElse: Laid.self)
            """)
    }

    @Test func aForgottenUndoDoesNotCompile() throws {
        try expectRefusals(
            """
            let held = Perform(Stay.hold) { asked, _ in  // no: Freed
                Transition(Held(room: asked.city))
            }
            """)
    }

    @Test func anUndoTooManyDoesNotCompile() throws {
        try expectRefusals(
            """
            let silent = Perform(Stay.lay) { _, _ in  // no: 'NoEvent' conform to 'UndoneEvent'
                Transition(Laid(table: 1))
            } undo: { _ in
            }
            let said = Perform(Stay.lay) { _, _ in  // no: 'NoEvent' conform to 'UndoneEvent'
                Transition(Laid(table: 1))
            } undo: { _ in
                Transition(NoEvent())
            }
            let before = Perform(Stay.lay, undo: { _ in }) { _, _ in  // no: 'NoEvent' conform to
                Transition(Laid(table: 1))
            }
            let leg = Leg(  // no: no exact matches
                "lay", by: "kitchen", on: Held.self, emits: Laid.self, orElse: Unlaid.self,
                undone: NoEvent.self)
            """)
    }

    @Test func whatTheLegBeforeDoesNotSayCannotBeRead() throws {
        try expectRefusals(
            """
            let ofTheFirst = Perform(Stay.lay) { held, _ in
                Transition(Laid(table: held.city.count))  // no: 'Held' has no member 'city'
            }
            let ofTheOther = Perform(Stay.both) { came, _ in
                Transition(Laid(table: came.1.city.count))  // no: 'Held' has no member 'city'
            }
            let ofAThird = Perform(Stay.both) { came, _ in
                Transition(Laid(table: came.2.table))  // no: has no member '2'
            }
            let ofNoEvent = Leg(  // no: 'String' conform to 'LegTrigger'
                "lay", by: "kitchen", on: String.self, emits: Laid.self, orElse: Unlaid.self)
            """)
    }
}
