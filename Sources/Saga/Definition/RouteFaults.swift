extension Route {
    /// Everything that is wrong with the route, in words; empty if sagas can take it.
    public var faults: [String] {
        var faults: [String] = []
        if !Participant.isName(name) { faults.append("its name \(Participant.nameRule)") }
        if legs.isEmpty { faults.append("it has no legs") }
        faults += nameFaults + orderFaults + conditionFaults + speakerFaults + finishFaults
        for type in Participant.repeated(events.map { $0.type }) {
            faults.append("\(type) is said by two of its parts")
        }
        return faults
    }

    /// The legs by name, for messages.
    package var outline: String {
        let names = legs.map { leg in
            let condition = leg.condition.map { ", when \($0.name)" } ?? ""
            return "\(leg.step) (\(leg.participant)\(condition))"
        }
        return "its legs are " + names.joined(separator: ", ")
    }

    private var nameFaults: [String] {
        let names = legs.map(\.name) + former.map(\.name)
        var faults = Participant.repeated(names).map { "two legs are named \($0)" }
        for name in Set(legs.flatMap { [$0.step, $0.participant] } + [ends.owner]).sorted()
        where !Participant.isName(name) {
            faults.append("'\(name)' \(Participant.nameRule)")
        }
        return faults
    }

    /// Each leg waits for something that was said before, and each success leads to the pivot.
    ///
    /// A success that nobody waits for would belong to a leg that may still run, or fail, when
    /// its saga is completed.
    private var orderFaults: [String] {
        var faults: [String] = []
        var said: Set<String> = [ends.begins.type]
        for leg in legs {
            let triggers = leg.triggers.map(\.type)
            if triggers.isEmpty { faults.append("leg \(leg.step) waits for nothing") }
            for type in Participant.repeated(triggers) {
                faults.append("leg \(leg.step) waits for \(type) twice")
            }
            for type in triggers where !said.contains(type) {
                faults.append(
                    "leg \(leg.step) waits for \(type), which neither the beginning nor a leg "
                        + "before it says")
            }
            said.insert(leg.success.type)
        }
        let pivot = ends.pivot.map(\.type)
        if pivot.isEmpty { faults.append("its pivot waits for nothing") }
        for type in Participant.repeated(pivot) {
            faults.append("its pivot waits for \(type) twice")
        }
        for type in pivot where !legs.contains(where: { $0.success.type == type }) {
            faults.append("its pivot waits for \(type), which is not the success of a leg")
        }
        let awaited = Set(legs.flatMap { $0.triggers.map(\.type) } + pivot)
        for leg in legs where !awaited.contains(leg.success.type) {
            faults.append(
                "nothing waits for \(leg.success.type) of leg \(leg.step): a leg or the pivot "
                    + "has to, or a saga would be completed before it")
        }
        return faults
    }

    /// Whoever waits for a leg that is not always needed says so, and nobody else does.
    private var conditionFaults: [String] {
        var faults: [String] = []
        for leg in legs {
            if leg.conditions.count > 1 {
                faults.append("leg \(leg.step) has more than one condition")
            }
            for condition in leg.conditions where !Participant.isName(condition.name) {
                faults.append(
                    "the name '\(condition.name)' of the condition of leg \(leg.step) "
                        + Participant.nameRule)
            }
            faults += lackFaults(of: "leg \(leg.step)", leg.triggers, leg.mayLack)
        }
        return faults + lackFaults(of: "its pivot", ends.pivot, ends.mayLack)
    }

    private func lackFaults(
        of waiting: String, _ triggers: [EventKind], _ mayLack: Set<String>
    ) -> [String] {
        triggers.compactMap { trigger in
            let leg = saying(trigger.type)
            switch (leg?.condition, mayLack.contains(trigger.type)) {
            case (.some(let condition), false):
                return "\(waiting) waits for \(trigger.type), which is not said where leg "
                    + "\(leg?.step ?? "") is not needed (\(condition.name)): let it wait for "
                    + "\(trigger.type)?"
            case (nil, true):
                return "\(waiting) waits for \(trigger.type)?, which is always said: let it wait "
                    + "for \(trigger.type)"
            case (.some, true), (nil, false): return nil
            }
        }
    }

    private var speakerFaults: [String] {
        var said = ends.events.map { ($0, ends.owner) }
        for leg in legs { said += leg.events.map { ($0, leg.participant) } }
        for finish in finishes { said += finish.events.map { ($0, finish.participant) } }
        return said.filter { $0.0.owner != $0.1 }.map { event, speaker in
            "\(speaker) says \(event.type), which '\(event.owner)' owns"
        }
    }

    private var finishFaults: [String] {
        var faults = Participant.repeated(finishes.map(\.name)).map { "\($0) is finished twice" }
        for finish in finishes {
            if !legs.contains(where: { $0.name == finish.name }) {
                faults.append("it finishes \(finish.name), which is not a leg of it")
            }
            if finish.trigger.type != ends.completed.type {
                faults.append(
                    "it finishes \(finish.name) on \(finish.trigger.type), which is not its "
                        + "pivot's \(ends.completed.type)")
            }
        }
        return faults
    }
}
