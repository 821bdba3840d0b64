#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How a runtime works, with defaults that suit a service of its own.
public struct SagaRuntimeConfiguration: Sendable {
    /// Stands before every key and channel, so that two systems can share one Redis.
    public var namespace = ""
    /// How many events are worked on at once.
    public var concurrency = 512
    /// How many events may wait to be tried again; beyond that nothing new is read of what may
    /// call a company.
    ///
    /// All else goes on, and may have as many more wait: what undoes those that wait is among it.
    public var parkedMaximum = 8192
    /// An entry of a replica that has no name in Redis, as those of older versions have none, is
    /// taken over when nobody has renewed it for this long.
    ///
    /// Of all others it is known within seconds whether they live. If nil, 10 s or a third of the
    /// shortest deadline, whichever is less: what a replica leaves behind has to be taken over, and
    /// done, before its sagas are cancelled.
    public var lease: Duration?
    /// The shortest deadline of the sagas that the participant takes part in.
    ///
    /// Its own lifecycle's counts by itself.
    public var shortestDeadline: Duration?
    /// How many bytes one read of streams may bring; more are read in smaller portions.
    ///
    /// An entry larger than that alone becomes a dead letter by its ID. What is held at once is
    /// up to four times as much, and one read more for each service whose events are consumed.
    public var readBytesMaximum = 32 * 1024 * 1024
    /// Pauses between tries.
    public var retry = RetrySchedule()
    /// How long a forward step is tried before its outcome counts as unknown.
    ///
    /// If nil, 10 s or half of the shortest deadline, whichever is less: what is not done by then
    /// has to be undone, and say why, before the deadline has its saga cancelled.
    public var giveUpAfter: Duration?
    /// How long a forward step is tried of which nothing can be sent; nothing was done, then.
    ///
    /// If nil, the shortest deadline, or a minute if there is none.
    public var unsentGiveUpAfter: Duration?
    /// How long a compensation or a finish is tried before the saga counts as blocked.
    ///
    /// Then it is parked in the saga's ledger, holds nothing up, and is tried again for ever.
    public var compensationGiveUpAfter: Duration = .seconds(10)
    /// Pauses between tries of what is blocked.
    ///
    /// When one of them succeeds, all others are tried at once: the same may have kept them.
    public var blockedRetry = RetrySchedule(
        pauseMinimum: .seconds(10), pauseMaximum: .seconds(300))
    /// How long a saga that is being cancelled waits for answers before everybody is asked again.
    ///
    /// Each time twice as long, up to five minutes, and for ever.
    public var askAgainAfter: Duration = .seconds(10)
    /// How often the books of companies are compared with the ledgers; at the start as well.
    public var reconciliationInterval: Duration = .seconds(60)
    /// How old something has to be before it is missed in a ledger: it may still be under way.
    public var reconciliationGrace: Duration = .seconds(60)
    /// How many undos an hour a process makes on account of books.
    ///
    /// More are a mistake of ours, a wrong Redis or namespace perhaps: it stops then, until it is
    /// started again.
    public var reconciliationUndosMaximum = 20
    /// An entry that was delivered before, and the only one tried again when so many processes
    /// died, must be bringing them down.
    public var deathsMaximum = 3
    /// How long events are kept in streams.
    public var retention: Duration = .seconds(7 * 86_400)
    /// How long a ledger is kept after its last change; longer than the streams are.
    public var ledgerTimeToLive: Duration = .seconds(30 * 86_400)
    /// The name of this replica, stable over restarts.
    ///
    /// A process that finds it borne by another one takes the next of `name-2`, `name-3`, ….
    public var consumerName = SagaRuntimeConfiguration.hostName
    /// A replica idle for this long, and with nothing pending, is forgotten.
    public var consumerExpiry: Duration = .seconds(86_400)
    /// Streams are read at least so often, whether a doorbell rang or not.
    public var drainInterval: Duration = .seconds(1)
    /// How often cursors are stored, streams trimmed and lag measured.
    public var housekeepingInterval: Duration = .seconds(10)
    /// How long running handlers may take to finish when the runtime stops.
    public var stopLimit: Duration = .seconds(4)

    /// Where handlers run: where they keep nothing else waiting, unless asked for.
    public var handlerExecutor: HandlerExecutor = .concurrent

    /// The defaults.
    public init() {}

    private static var hostName: String {
        let name = ProcessInfo.processInfo.hostName
        return name.isEmpty ? "replica" : name
    }

    /// The lease in use.
    package var leaseInUse: Duration {
        if let lease { return lease }
        guard let shortestDeadline else { return Self.leaseMaximum }
        return max(min(Self.leaseMaximum, shortestDeadline / 3), .milliseconds(100))
    }

    private static let leaseMaximum: Duration = .seconds(10)

    /// How long a forward step is tried that says nothing else.
    package var giveUpAfterInUse: Duration {
        if let giveUpAfter { return giveUpAfter }
        guard let shortestDeadline else { return Self.giveUpMaximum }
        return max(min(Self.giveUpMaximum, shortestDeadline / 2), .milliseconds(10))
    }

    private static let giveUpMaximum: Duration = .seconds(10)

    /// How long a replica's name lives without a heartbeat: 5 s, or a third of the shortest
    /// deadline.
    ///
    /// There are five heartbeats in that time. Less than a second would be of no use, as what was
    /// touched within one is not taken over anyway.
    package var consumerLife: Duration {
        guard let shortestDeadline else { return .seconds(5) }
        return min(max(shortestDeadline / 3, .seconds(1)), .seconds(5))
    }

    /// How long a forward step is tried of which nothing can be sent.
    package var unsentGiveUpAfterInUse: Duration {
        unsentGiveUpAfter ?? shortestDeadline ?? .seconds(60)
    }

    /// The same with the deadline of a participant's own lifecycle; throws an error that lists
    /// every value out of its range.
    package func checked(for plan: ParticipantPlan) throws(SagaError) -> Self {
        var configuration = self
        configuration.shortestDeadline = [shortestDeadline, plan.lifecycle?.deadline]
            .compactMap { $0 }.min()
        try configuration.validate()
        try configuration.checkTries(of: plan.onEachRoute.flatMap(\.steps))
        return configuration
    }

    /// Throws if a step can be tried for longer than its saga may take: it would not end then, but
    /// be cancelled for its deadline, whatever kept it.
    private func checkTries(of steps: [Step]) throws(SagaError) {
        guard let shortestDeadline else { return }
        let late = steps.filter { ($0.giveUpAfter ?? giveUpAfterInUse) >= shortestDeadline }
        guard !late.isEmpty else { return }
        let faults = late.map {
            "step '\($0.name)' gives up after \($0.giveUpAfter ?? giveUpAfterInUse), and its "
                + "sagas are cancelled after \(shortestDeadline): giveUpAfter has to be less"
        }
        throw SagaError(.invalidConfiguration, faults.joined(separator: "; "))
    }

    /// Throws an error that lists every value out of its range.
    package func validate() throws(SagaError) {
        var faults: [String] = []
        func check(_ holds: Bool, _ fault: String) { if !holds { faults.append(fault) } }
        check((1...65_536).contains(concurrency), "concurrency has to be 1 to 65536")
        check((1...1_000_000).contains(parkedMaximum), "parkedMaximum has to be 1 to 1000000")
        check(
            (65_536...512 * 1024 * 1024).contains(readBytesMaximum),
            "readBytesMaximum has to be 64 KB to 512 MB")
        if let lease {
            check(lease >= .milliseconds(100), "lease has to be at least 100 ms")
            if let shortestDeadline {
                check(
                    lease * 3 <= shortestDeadline,
                    "lease has to be at most a third of the shortest deadline, "
                        + "\(shortestDeadline), or what a replica leaves behind is cancelled")
            }
        }
        for (name, retry) in [("retry", retry), ("blockedRetry", blockedRetry)] {
            check(retry.pauseMinimum > .zero, "\(name).pauseMinimum has to be above 0")
            check(
                retry.pauseMaximum >= retry.pauseMinimum,
                "\(name).pauseMaximum is below its minimum")
            check(
                retry.pauseMaximum <= .seconds(86_400),
                "\(name).pauseMaximum has to be at most a day")
        }
        check(giveUpAfterInUse > .zero, "giveUpAfter has to be above 0")
        check(unsentGiveUpAfterInUse > .zero, "unsentGiveUpAfter has to be above 0")
        check(askAgainAfter >= .milliseconds(10), "askAgainAfter has to be at least 10 ms")
        check(compensationGiveUpAfter > .zero, "compensationGiveUpAfter has to be above 0")
        check(
            (1...1_000_000).contains(deathsMaximum),
            "deathsMaximum has to be 1 to 1000000")
        check(retention >= .seconds(1), "retention has to be at least 1 s")
        check(
            ledgerTimeToLive > retention,
            "ledgerTimeToLive has to exceed retention, or a late delivery would count as new")
        check(
            reconciliationInterval >= .milliseconds(10),
            "reconciliationInterval has to be at least 10 ms")
        check(reconciliationGrace > .zero, "reconciliationGrace has to be above 0")
        check(
            reconciliationUndosMaximum >= 0, "reconciliationUndosMaximum has to be at least 0")
        check(!consumerName.isEmpty, "consumerName is empty")
        check(drainInterval >= .milliseconds(10), "drainInterval has to be at least 10 ms")
        check(
            housekeepingInterval >= .milliseconds(10),
            "housekeepingInterval has to be at least 10 ms")
        check(
            !namespace.contains { "{}*? \n".contains($0) },
            "namespace cannot hold braces, spaces or patterns")
        guard faults.isEmpty else {
            throw SagaError(.invalidConfiguration, faults.joined(separator: "; "))
        }
    }
}
