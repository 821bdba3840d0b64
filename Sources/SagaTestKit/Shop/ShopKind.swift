/// What goes wrong in a simulated shop.
package enum ShopKind: String, CaseIterable, Sendable {
    /// Nothing.
    case calm
    /// Whatever leaves the store's data as it is: processes that die, stand still or are replaced,
    /// outages, lost answers, doorbells and entries, events that come again, clocks that jump.
    case faulty
    /// The store goes back by up to a second again and again, and is away for longer than what is
    /// left of a deadline.
    case forgetful
    /// Entries are lost even after somebody has acted on them, which only the books of companies
    /// tell.
    case lossy

    /// What it is, in a line.
    package var summary: String {
        switch self {
        case .calm: "nothing goes wrong"
        case .faulty: "everything goes wrong but what the other kinds are for"
        case .forgetful: "the store goes back by up to a second, and is away for long"
        case .lossy: "entries are lost after somebody has acted on them"
        }
    }

    var faults: SimulationFaults {
        var faults = SimulationFaults()
        switch self {
        case .calm: return .none
        case .faulty: break
        case .forgetful:
            faults.rollbacks = 0.2
            faults.losses = 0
            faults.clockJumps = 0
            faults.outage = .seconds(40)
        case .lossy:
            faults.clockJumps = 0
            faults.losses = 1
        }
        return faults
    }
}
