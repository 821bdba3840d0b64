/// What goes wrong in a simulation, and how often.
///
/// Probabilities are of one call of a process to the store; the others happen in the course of
/// the time in which faults happen at all.
package struct SimulationFaults: Sendable {
    /// The process dies before its call took effect.
    package var crashBefore = 0.0005
    /// The process dies after its call took effect, and never hears so.
    package var crashAfter = 0.0005
    /// The call has no effect, and its caller hears that.
    package var refusal = 0.002
    /// The call has an effect, and its caller hears nothing.
    package var lostAnswer = 0.002
    /// A doorbell is lost.
    package var lostDoorbell = 0.1
    /// A process stands still for up to this long, once in a while.
    package var pause: Duration = .seconds(15)
    /// How often processes stand still, in a second of all of them.
    package var pauses = 0.1
    /// How often a process is stopped as for a new version, and started again, in a second.
    package var restarts = 0.3
    /// How often the store is away for a while, in a second.
    package var outages = 0.1
    /// How long it is away, at the most.
    package var outage: Duration = .seconds(3)
    /// How often the store comes back with data of up to a second ago, in a second.
    package var rollbacks = 0.0
    /// How long each process stands still when that happens, at the most: what it has in hand
    /// arrives afterwards.
    package var standstill: Duration = .zero
    /// How often an old event is published once more, in a second.
    package var repetitions = 0.2
    /// How often an entry is gone before a group has dealt with it, in a second.
    package var losses = 0.2
    /// Types of events that are never lost, as nobody asks for them again.
    package var kept: Set<String> = []
    /// Types of events that are not lost once somebody works on them: what was done for them
    /// outside, only the books of whoever did it could tell.
    package var keptOnceRead: Set<String> = []
    /// How often a group is gone, and is made anew before everything in its stream, in a second.
    package var vanishings = 0.0
    /// How often a process that starts again bears another name, of all starts.
    package var renamings = 0.2
    /// How often a company answers a minute late although it has acted, of all calls.
    package var hangs = 0.01
    /// How often a call arrives at a company when its caller has given it up, of all calls.
    package var lateCalls = 0.02
    /// How often a company refuses a key that it knows, for a reason of the business.
    package var keysInUse = 0.2
    /// How often the clock on the wall jumps, by up to an hour, in a second.
    package var clockJumps = 0.05

    package init() {}

    /// Nothing goes wrong.
    package static var none: SimulationFaults {
        var faults = SimulationFaults()
        faults.crashBefore = 0
        faults.crashAfter = 0
        faults.refusal = 0
        faults.lostAnswer = 0
        faults.lostDoorbell = 0
        faults.pauses = 0
        faults.restarts = 0
        faults.outages = 0
        faults.losses = 0
        faults.repetitions = 0
        faults.clockJumps = 0
        faults.renamings = 0
        faults.hangs = 0
        faults.lateCalls = 0
        faults.keysInUse = 0
        return faults
    }
}
