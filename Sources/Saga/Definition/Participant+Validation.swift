extension Participant {
    /// Everything that is wrong with the declaration, in words; empty if it can run.
    public var faults: [String] {
        var faults: [String] = []
        faults += routeFaults
        if !Self.isName(name) { faults.append("the participant's name \(Self.nameRule)") }
        if !Self.isName(route) { faults.append("the route's name \(Self.nameRule)") }
        faults += stepFaults
        for step in steps { faults += compensationFaults(of: step) + ownerFaults(of: step) }
        faults += typeFaults
        if lifecycles.count > 1 { faults.append("it has more than one lifecycle") }
        if let lifecycle { faults += lifecycleFaults(of: lifecycle) }
        return faults + furtherFaults
    }

    /// On each route, as if there were no other.
    package var onEachRoute: [Participant] {
        var first = self
        first.leaveFurther()
        return [first] + further
    }

    private var furtherFaults: [String] {
        if further.isEmpty { return [] }
        var faults = further.flatMap { part in
            part.faults.map { "on route '\(part.route)': \($0)" }
        }
        if !hearsEnds {
            faults.append("it takes part in other routes, and in no route before them")
        }
        for route in Self.repeated(onEachRoute.map(\.route)) {
            faults.append("it takes part in the route '\(route)' twice")
        }
        for part in further where part.lifecycle != nil {
            faults.append("it oversees '\(part.route)', which is not its first route")
        }
        return faults + companyFaultsBetweenRoutes
    }

    /// Everything that is wrong between participants that are to work together.
    ///
    /// Every event consumed has to be emitted by one of them, and every event a lifecycle waits
    /// for by the participant that bears the answer's name.
    public static func faults(between participants: [Participant]) -> [String] {
        var faults = participants.flatMap { one in one.faults.map { "\(one.name): \($0)" } }
        let participants = participants.flatMap(\.onEachRoute)
        let emitted = Set(participants.flatMap { $0.emitted.map(\.type) })
        for participant in participants {
            let answersOfBefore = participant.answersOfBefore
            for kind in participant.consumed
            where !emitted.contains(kind.type) && !answersOfBefore.contains(kind.type) {
                faults.append("\(participant.name): nobody emits \(kind.type)")
            }
            for (name, kinds) in participant.lifecycle?.answers ?? [:] {
                for kind in kinds where kind.owner != participantName(of: name) {
                    faults.append(
                        "\(participant.name): \(kind.type) is not an answer of '\(name)', as "
                            + "'\(kind.owner)' owns it")
                }
            }
        }
        for participant in participants {
            let route = participants.filter { $0.route == participant.route }
            faults += participant.lifecycle.map { awaitingFaults(of: $0, route) } ?? []
        }
        return faults + versionFaults(of: participants)
    }

    /// Who is awaited after an event undoes on it, and who undoes on it is awaited.
    ///
    /// Otherwise a saga waits for ever, or ends before all of it is undone.
    private static func awaitingFaults(
        of lifecycle: Lifecycle, _ participants: [Participant]
    ) -> [String] {
        let causes =
            lifecycle.cancellations.map { ($0.trigger.type, $0.awaiting) }
            + lifecycle.requests.map { ($0.emits.type, $0.awaiting) }
        var faults: [String] = []
        for (type, awaiting) in causes {
            let awaited = Set(awaiting.map(participantName))
            let undoing = participants.filter { $0.undoes(on: type) }.map(\.name)
            let known = awaited.intersection(participants.map(\.name))
            for name in known.subtracting(undoing).sorted() {
                faults.append("'\(name)' is awaited after \(type), on which it undoes nothing")
            }
            for name in undoing where !awaited.contains(name) {
                faults.append("'\(name)' undoes on \(type), after which nobody awaits it")
            }
        }
        return faults
    }

    private static func versionFaults(of participants: [Participant]) -> [String] {
        let routes = participants.compactMap { one in
            one.madeFor.map { (one.name, $0.name, RouteDigest($0).hexadecimal) }
        }
        return routes.compactMap { one in
            guard let first = routes.first(where: { $0.1 == one.1 }), first.2 != one.2 else {
                return nil
            }
            return "'\(one.0)' and '\(first.0)' were made for two versions of the route '\(one.1)'"
        }
    }

    private func undoes(on type: String) -> Bool {
        steps.contains { step in
            step.compensations.contains { $0.triggers.contains { $0.type == type } }
        }
    }

    /// The participant in the name under which a leg is awaited.
    private static func participantName(of answerer: String) -> String {
        answerer.split(separator: "/").first.map(String.init) ?? answerer
    }

    private var answersOfBefore: Set<String> {
        guard let lifecycle else { return [] }
        return Set(lifecycle.former.flatMap { lifecycle.answers[$0]?.map(\.type) ?? [] })
    }

    static let nameRule =
        "has to start with a-z and go on with a-z, 0-9 or -, up to 64 in all"

    static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, (0x61...0x7A).contains(first) else { return false }
        return name.utf8.count <= 64
            && name.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
            }
    }

    /// What else stands in a ledger, now or soon.
    private static let reservedStepNames: Set<String> = [
        LifecycleState.field, LedgerEntry.blockedField, KeyForm.field, "owes", "end",
    ]

    private var stepFaults: [String] {
        var faults: [String] = []
        var seen: Set<String> = []
        for step in steps {
            if !Self.isName(step.name) { faults.append("step '\(step.name)' \(Self.nameRule)") }
            if Self.reservedStepNames.contains(step.name) {
                faults.append("no step can be named '\(step.name)'")
            }
            if !seen.insert(step.name).inserted {
                faults.append("two steps are named '\(step.name)'")
            }
            if let limit = step.giveUpAfter, limit <= .zero {
                faults.append("step '\(step.name)' gives up after no time")
            }
            if let atMost = step.atMost, atMost < 1 {
                faults.append("step '\(step.name)' is let run at most \(atMost) times at once")
            }
            faults += unknownFaults(of: step)
        }
        faults += companyFaults
        if steps.isEmpty && lifecycles.isEmpty { faults.append("it has no step and no lifecycle") }
        return faults
    }

    private func unknownFaults(of step: Step) -> [String] {
        guard step.unknown.policy != .compensate else { return [] }
        if !step.actsOutside {
            return ["step '\(step.name)' works on records alone, so its outcome is never unknown"]
        }
        guard case .park(let question, _) = step.unknown else { return [] }
        if question.isEmpty || question.contains(where: \.isNewline) {
            return ["the question of step '\(step.name)' is not a line"]
        }
        return []
    }

    private func compensationFaults(of step: Step) -> [String] {
        var faults: [String] = []
        if step.needsCompensation && step.compensations.isEmpty {
            faults.append(
                "step '\(step.name)' has no compensation; say how it is undone or that it "
                    + "needsNoCompensation")
        }
        if !step.needsCompensation && !step.compensations.isEmpty {
            faults.append("step '\(step.name)' needs no compensation and yet has one")
        }
        if step.compensations.count > 1 {
            faults.append("step '\(step.name)' has more than one compensation")
        }
        for compensation in step.compensations {
            if compensation.triggers.isEmpty {
                faults.append("nothing starts the compensation of step '\(step.name)'")
            }
            if let limit = compensation.giveUpAfter, limit <= .zero {
                faults.append("the compensation of step '\(step.name)' gives up after no time")
            }
        }
        let triggers =
            step.triggers.map(\.type) + step.compensations.flatMap { $0.triggers.map(\.type) }
            + step.finishes.map(\.trigger.type)
        for type in Self.repeated(triggers) {
            faults.append("step '\(step.name)' takes \(type) in two ways")
        }
        let outcomes =
            [step.success.type, step.failure.type] + step.compensations.map(\.answer.type)
            + (step.condition.map { [$0.skipped.type] } ?? [])
        for type in Self.repeated(outcomes) {
            faults.append("step '\(step.name)' says two different things by \(type)")
        }
        return faults
    }

    private func ownerFaults(of step: Step) -> [String] {
        emitted(by: step).filter { $0.owner != name }.map {
            "step '\(step.name)' emits \($0.type), which '\($0.owner)' owns"
        }
    }

    /// One name may stand for one kind of event only.
    private var typeFaults: [String] {
        var kinds: [String: EventKind] = [:]
        var faults: [String] = []
        for kind in onEachRoute.flatMap({ $0.consumed + $0.emitted }) {
            guard EventKind.isTypeName(kind.type) else {
                faults.append("'\(kind.type)' is not a name for an event: letters and digits only")
                continue
            }
            guard let known = kinds.updateValue(kind, forKey: kind.type) else { continue }
            if known.owner != kind.owner || known.version != kind.version {
                faults.append("\(kind.type) stands for two kinds of event")
            }
        }
        return faults
    }

    private func lifecycleFaults(of lifecycle: Lifecycle) -> [String] {
        var faults: [String] = []
        for kind in emitted(by: lifecycle) where kind.owner != name {
            faults.append("its lifecycle emits \(kind.type), which '\(kind.owner)' owns")
        }
        if lifecycle.completions.isEmpty { faults.append("its lifecycle never completes") }
        let canCancel = !lifecycle.cancellations.isEmpty || !lifecycle.requests.isEmpty
        if canCancel && lifecycle.cancelled == nil {
            faults.append("its lifecycle can be cancelling, but does not say what cancelled is")
        }
        if let deadline = lifecycle.deadline {
            if deadline <= .zero { faults.append("its deadline is not ahead") }
            if lifecycle.requests.isEmpty {
                faults.append("it has a deadline, but no cancelsOnRequest to fire")
            }
        }
        if lifecycle.requests.count > 1 { faults.append("it has more than one cancelsOnRequest") }
        let awaited =
            lifecycle.cancellations.flatMap(\.awaiting)
            + lifecycle.requests.flatMap(\.awaiting)
        for name in Set(awaited).subtracting(lifecycle.answers.keys).sorted() {
            faults.append("it awaits '\(name)', for whom no answers are listed")
        }
        for (name, kinds) in lifecycle.answers
        where kinds.isEmpty || !name.split(separator: "/").map(String.init).allSatisfy(Self.isName)
        {
            faults.append("'\(name)' cannot answer by any event, or is not a name")
        }
        let heard = lifecycle.answers.values.flatMap { $0.map(\.type) }
        let roles =
            [heard, lifecycle.cancellations.map(\.trigger.type)].flatMap(Self.repeated)
            + Self.repeated(
                lifecycle.completions.flatMap { $0.triggers.map(\.type) }
                    + Set(heard + lifecycle.cancellations.map(\.trigger.type)))
        for type in Set(roles).sorted() { faults.append("its lifecycle takes \(type) in two ways") }
        let said = EventKind(cancellingOf: name).type
        if emitted.count(where: { $0.type == said }) > 1 {
            faults.append("\(said) is said by itself of each saga that is being cancelled")
        }
        return faults
    }

    static func repeated(_ types: [String]) -> [String] {
        var seen: Set<String> = []
        return types.filter { !seen.insert($0).inserted }
    }

    // MARK: - What goes in and out

    private var consumed: [EventKind] {
        var kinds: [EventKind] = []
        for step in steps {
            kinds += step.triggers + step.substitutes.values
            kinds += step.compensations.flatMap(\.triggers)
            kinds += step.finishes.map(\.trigger)
            kinds += step.reconciliation.map { [$0.inquiry] } ?? []
        }
        if let lifecycle {
            kinds += lifecycle.completions.flatMap { $0.triggers + $0.substitutes.values }
            kinds += lifecycle.cancellations.map(\.trigger)
            kinds += lifecycle.answers.values.flatMap { $0 } + lifecycle.unclaimed.map(\.kind)
        }
        return kinds + ends.map(\.kind)
    }

    package var emitted: [EventKind] {
        steps.flatMap(emitted(by:)) + (lifecycle.map(emitted(by:)) ?? [])
    }

    private func emitted(by step: Step) -> [EventKind] {
        [step.success, step.failure] + step.compensations.map(\.answer)
            + step.finishes.compactMap(\.emits)
            + (step.reconciliation.map { [$0.asking.kind] } ?? [])
            + (step.condition.map { [$0.skipped] } ?? [])
    }

    private func emitted(by lifecycle: Lifecycle) -> [EventKind] {
        [lifecycle.begins] + lifecycle.completions.map(\.emits) + lifecycle.requests.map(\.emits)
            + (lifecycle.cancelled.map { [$0.emits] } ?? [])
            + (lifecycle.unclaimed.isEmpty ? [] : [EventKind(missingOf: name)])
            + (lifecycle.canBeCancelling ? [EventKind(cancellingOf: name)] : [])
    }
}

extension EventKind {
    /// Types stand in keys and channels, and nothing but letters and digits gets there.
    fileprivate static func isTypeName(_ type: String) -> Bool {
        !type.isEmpty && type.utf8.count <= 128
            && type.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0)
                    || (0x61...0x7A).contains($0)
            }
    }
}
