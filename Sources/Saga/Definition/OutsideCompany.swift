/// A company outside that blocks of steps call: how often they may, and when it counts as down.
///
///     let bank = OutsideCompany("bank", callsPerSecond: 100)
///
///     Perform(TripSaga.deposit, calls: bank) { … } undo: { … }
///
/// Declared once and named by all steps that call it. What they do, undo and finish, what they ask
/// and what is read of its books counts together, each run of a block as one call. All of that is
/// of one process: a service of two replicas makes twice as many calls.
///
/// - No more than `callsPerSecond` begin in a second, a tenth of them at once. The others wait in
///   the order in which they came: that is not an attempt, its time does not count, and a
///   cancellation ends it.
/// - After `opensAfter` accidents in a row, of as many sagas, it counts as down, and is not called
///   for a pause that grows each time up to the longest; then one call tries whether it is well,
///   for no longer than that. Whatever it answers, a failure for a reason of the business too, is
///   no accident; nor is what could not be sent. It does not know whose sagas they are: where one
///   stranger may begin many whose calls end in accidents, let him have fewer than that at once.
/// - What is not called was not sent: a forward step waits, as `unsentGiveUpAfter` says, and
///   `giveUpAfter` does not run. A compensation or a finish that would have to wait for long is
///   parked at once, and tried again for ever.
public struct OutsideCompany: Hashable, Sendable {
    /// What metrics and logs call it.
    public let name: String
    /// How many calls a process may begin in a second; nil for as many as come.
    public var callsPerSecond: Int?
    /// After how many accidents in a row, one of each saga, it counts as down; nil for never.
    public var opensAfter: Int?
    /// For how long it is not called: at first, and at the most.
    public var pauses: ClosedRange<Duration>

    /// Names a company.
    public init(
        _ name: String, callsPerSecond: Int? = nil, opensAfter: Int? = 20,
        pauses: ClosedRange<Duration> = .seconds(1) ... .seconds(30)
    ) {
        self.name = name
        self.callsPerSecond = callsPerSecond
        self.opensAfter = opensAfter
        self.pauses = pauses
    }

    /// What makes no sense.
    var faults: [String] {
        var faults: [String] = []
        if !Participant.isName(name) {
            faults.append("the company's name '\(name)' \(Participant.nameRule)")
        }
        if let callsPerSecond, !(1...Self.callsMaximum).contains(callsPerSecond) {
            faults.append(
                "'\(name)' may be called \(callsPerSecond) times a second, which is not between 1 "
                    + "and \(Self.callsMaximum)")
        }
        if let opensAfter, opensAfter < 1 {
            faults.append("'\(name)' counts as down after \(opensAfter) accidents")
        }
        if pauses.lowerBound <= .zero { faults.append("'\(name)' is not called for no time") }
        return faults
    }

    private static let callsMaximum = 1_000_000
}

/// Says that a company counts as down, so that nothing was sent.
struct CompanyIsDown: UnsentError, CustomStringConvertible {
    var name: String

    var description: String { "\(name) counts as down, and is not called now" }
    var isUnsent: Bool { true }
}
