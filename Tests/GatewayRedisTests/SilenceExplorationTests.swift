import Gateway
import Testing
import TroupeRedisTestKit

@testable import GatewayRedis

// One gateway that sleeps, is cut off, or misses messages, in any order; time goes in steps, and
// `silence` is one of them. What is checked: no answer from memory is older than what had been
// published one step ago.

/// A rule that a run of the exploration leaves out.
enum SilenceRule: CaseIterable {
    case countsFromTheSending, clockRunsInSleep, comparesWithTheEntries, catchesUpBehindTheFence
}

private enum Message: Hashable {
    case event
    case fence(sent: Int, added: Int)
}

private struct World: Hashable {
    var step = 0
    /// How long the gateway's clock has stood still.
    var slept = 0
    var version = 0
    /// The version at the beginning of each step.
    var history = [0]
    var channel: [Message] = []
    var tally = DoorbellTally(types: ["E"], groups: [[0]])
    var feed = FeedState(silence: .nanoseconds(1))
    var round = 0
    /// What a catch-up under way will have read.
    var reading: Int?
    var kept: Int?
    var taken = 0
    var trustedUntil = -1
    var lost = 0
    var fences = 0
    var fenced = -1

    var clock: Int { step - slept }
}

private struct SilenceModel: Exploration {
    var leftOut: SilenceRule?
    let events = 2
    let steps = 3
    let fences = 3
    let losses = 1

    func successors(of world: World) -> [World] {
        var next: [World] = []
        if world.step < steps {
            for isAsleep in [false, true] {
                next.append(
                    world.with {
                        $0.step += 1
                        $0.history.append($0.version)
                        if isAsleep, leftOut == .clockRunsInSleep { $0.slept += 1 }
                    })
            }
        }
        if world.version < events {
            next.append(
                world.with {
                    $0.version += 1
                    $0.channel.append(.event)
                })
            if world.lost < losses {
                next.append(
                    world.with {
                        $0.version += 1
                        $0.lost += 1
                    })
            }
        }
        if world.fences < fences {
            next.append(
                world.with {
                    $0.fences += 1
                    $0.channel.append(.fence(sent: $0.clock, added: $0.version))
                })
        }
        return next + gateway(world)
    }

    private func gateway(_ world: World) -> [World] {
        var next: [World] = []
        if let message = world.channel.first {
            next.append(
                world.with {
                    $0.channel.removeFirst()
                    take(message, &$0)
                })
        }
        if let reading = world.reading {
            next.append(
                world.with {
                    $0.reading = nil
                    $0.taken = max($0.taken, reading)
                    if ($0.kept ?? .max) < reading { $0.kept = nil }
                    perform($0.feed.caughtUp(round: $0.round, at: at($0)), &$0)
                })
        }
        if world.kept == nil, world.feed.isLive {
            next.append(world.with { $0.kept = $0.version })
        }
        return next
    }

    private func take(_ message: Message, _ world: inout World) {
        switch message {
        case .event:
            world.tally.heard("E")
            world.taken += 1
            world.kept = nil
        case .fence(let sent, let added):
            var fence = Fence(sent: Moment(nanoseconds: Int64(sent)), group: 0)
            fence.added = [added]
            let missing =
                leftOut == .comparesWithTheEntries ? [] : world.tally.compare(fence)
            world.fenced = max(
                world.fenced, leftOut == .countsFromTheSending ? world.clock : sent)
            perform(world.feed.fenced(hasGap: !missing.isEmpty, at: at(world)), &world)
            if missing.isEmpty, world.feed.isLive { world.trustedUntil = world.fenced + 1 }
        }
    }

    private func perform(_ action: FeedState.Action, _ world: inout World) {
        switch action {
        case .none: break
        case .suspend: world.kept = nil
        case .catchUp(let round), .suspendAndCatchUp(let round):
            if case .suspendAndCatchUp = action { world.kept = nil }
            world.round = round
            world.reading = world.version
        case .resume: world.trustedUntil = world.fenced + 1
        }
    }

    private func at(_ world: World) -> Moment { Moment(nanoseconds: Int64(world.step)) }

    /// The first world, subscribed just now.
    var start: World {
        var world = World()
        _ = world.feed.active()
        if leftOut == .catchesUpBehindTheFence {
            // Read at once, and counted from the first fence on.
            world.reading = 0
            _ = world.feed.fenced(hasGap: false, at: at(world))
            world.round = world.feed.round
            world.fenced = 0
        }
        return world
    }

    func violation(in world: World) -> String? {
        // Strictly after the end of the lease nothing is given.
        guard let kept = world.kept, world.feed.isLive, world.clock <= world.trustedUntil,
            world.step > 1
        else { return nil }
        let published = world.history[world.step - 1]
        return kept < published ? "version \(kept) is given one step after \(published)" : nil
    }
}

extension World {
    fileprivate func with(_ change: (inout World) -> Void) -> World {
        var copy = self
        change(&copy)
        return copy
    }
}

@Suite(.timeLimit(.minutes(2)))
struct SilenceExplorationTests {
    @Test func sleepCutsAndLostMessagesGiveNothingOlderThanTheSilence() async {
        let outcome = await SilenceModel().run()

        #expect(outcome.violation == nil)
        #expect(outcome.states > 1_000)
    }

    @Test(arguments: SilenceRule.allCases)
    func everyRuleIsNeeded(leftOut: SilenceRule) async {
        let outcome = await SilenceModel(leftOut: leftOut).run()

        #expect(outcome.violation != nil, "nothing breaks without \(leftOut)")
    }
}
