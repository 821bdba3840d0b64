import Saga

// What an event does to one step, as the engine's machines have it.

extension RouteExploration {
    /// Nil beyond what is worth following once a rule is left out, and for what cannot happen.
    func start(
        _ step: Step, _ course: Course, _ type: String, at name: String, in world: World
    ) -> World? {
        let leg = Self.leg(step, of: name)
        guard var part = world.parts[leg], mayHappen(course, name, step) else { return nil }
        if course == .isNotNeeded { return skip(step, leg, in: world) }
        let known = without == .ledger && part.ledger == .done ? .absent : part.ledger
        let action = StepMachine.action(.forward, in: known, actsOutside: step.actsOutside)
        guard action == .perform else {
            // It looked before the other one skipped the step.
            if part.ledger == .skipped, course == .dies, step.actsOutside, !part.isTried {
                return dies([type, name], &part, leg, in: world)
            }
            return course == .succeeds ? settled(action, step, leg, in: world) : nil
        }
        if without == .ledger, known != part.ledger { part.done += 1 }
        let ending: StepEnding
        switch course {
        case .succeeds:
            part.act()
            ending = .succeeded
        case .fails:
            let hides = without == .failureAfterUnknownUndoes
            ending = .refused(afterUnknown: part.isTried && !hides)
        case .dies:
            guard step.actsOutside, !part.isTried else { return nil }
            return dies([type, name], &part, leg, in: world)
        case .isNotNeeded: return nil
        case .givesUp, .becomesALetter:
            guard step.actsOutside else { return nil }
            part.act()
            part.isTried = true
            ending = course == .givesUp ? .gaveUp(afterUnknown: true) : .died
        }
        return ended(ending, part, step, leg, in: world)
    }

    /// It has acted, and its event comes again.
    private func dies(
        _ delivery: [String], _ part: inout Part, _ leg: String, in world: World
    ) -> World {
        var world = world
        part.act()
        part.isTried = true
        world.delivered.remove(delivery)
        world.parts[leg] = part
        return world
    }

    private func ended(
        _ ending: StepEnding, _ part: Part, _ step: Step, _ leg: String, in world: World
    ) -> World? {
        var world = world
        var part = part
        let traceless = ending == .died && without == .letterLeavesATrace
        part.ledger =
            traceless
            ? .absent : StepMachine.next(after: ending, actsOutside: step.actsOutside)
        world.parts[leg] = part
        switch part.ledger {
        case .done: world.published.insert(step.success.type)
        case .failed: world.published.insert(step.failure.type)
        case .unknown where ending != .died: return settled(.giveUp, step, leg, in: world)
        default: break
        }
        return part.done <= 2 ? world : nil
    }

    private func mayHappen(_ course: Course, _ name: String, _ step: Step) -> Bool {
        guard skipping.contains(name), step.condition != nil else {
            return course != .isNotNeeded
        }
        return course == .isNotNeeded || hasOldVersions
    }

    /// A forward event of a step that this saga does not need.
    private func skip(_ step: Step, _ leg: String, in world: World) -> World? {
        var world = world
        guard let part = world.parts[leg], let condition = step.condition else { return nil }
        let action = StepMachine.action(.forward, in: part.ledger, actsOutside: step.actsOutside)
        switch action {
        case .perform where without == .skippedIsUndoneFirst: break
        case .perform, .giveUp: if part.isTried { world.parts[leg]?.undo() }
        default: return settled(action, step, leg, in: world)
        }
        world.parts[leg]?.ledger = .skipped
        world.publish(condition.skipped.type)
        return world
    }

    /// A forward event whose step was decided already.
    private func settled(
        _ action: StepAction, _ step: Step, _ leg: String, in world: World
    ) -> World {
        var world = world
        switch action {
        case .giveUp:
            world.parts[leg]?.undo()
            world.parts[leg]?.ledger = .failed
            world.published.insert(step.failure.type)
        case .takeBack
        where without == .skippedIsTakenBack && world.parts[leg]?.ledger == .skipped:
            break
        case .takeBack where without != .takeBack:
            world.parts[leg]?.undo()
        default: break
        }
        return world
    }

    /// A compensation, or a finish.
    func perform(
        _ role: StepRole, _ step: Step, at name: String, in world: World
    ) -> World {
        let leg = Self.leg(step, of: name)
        var world = world
        guard var part = world.parts[leg] else { return world }
        switch StepMachine.action(role, in: part.ledger, actsOutside: step.actsOutside) {
        case .refuseForever(from: .skipped) where without == .skippedAnswers: break
        case .sayNotNeeded:
            world.publish(step.condition?.skipped.type ?? "")
        case .undo:
            part.ledger = .compensated
            part.undo()
            world.published.insert(step.compensations[0].answer.type)
        case .refuseForever:
            if without != .tombstone { part.ledger = .tombstone }
            world.published.insert(step.compensations[0].answer.type)
        case .finish:
            part.ledger = .finished
            part.finished += 1
            for finish in step.finishes {
                if let emits = finish.emits { world.published.insert(emits.type) }
            }
        case .answerAgain:
            guard without != .whoIsAskedAgainAnswers else { break }
            world.publish(
                part.ledger == .failed ? step.failure.type : step.compensations[0].answer.type)
        case .contradiction:
            world.expect(without != nil, orElse: "\(leg) is \(part.ledger), and hears \(role)")
        case .notYet:
            world.expect(without != nil, orElse: "\(leg) is \(part.ledger), and is to finish")
        case .perform, .giveUp, .takeBack, .ignore, .ask, .noteCalledOff, .waitForAPerson,
            .declareDone, .declareUndone:
            break
        }
        world.parts[leg] = part
        return world
    }
}
