import NIOCore
import Synchronization

/// What all event loops hold, where each of them can tell its part.
final class UnsentLedger: Sendable {
    let share: Mutex<UnsentShare>

    init(limit: Int, loops: Int) {
        share = Mutex(UnsentShare(limit: limit, loops: loops))
    }
}

/// The connections of one event loop, and what they have in common.
///
/// Lives on that loop.
final class ConnectionGroup {
    let phases: RequestPhases
    let configuration: ServerConfiguration
    let eventLoop: any EventLoop
    /// Names requests that bring no name.
    var namer = RequestNamer()
    /// Hits so far, for the log's sampling.
    var hits: UInt64 = 0
    /// Once it is given, requests are still taken, and each answer is the last of its connection.
    let notice: StopNotice
    private(set) var isDraining = false
    let tasks: TaskTally

    private var connections: [ObjectIdentifier: ConnectionHandler] = [:]
    private let unsent: UnsentLedger
    private let place: Int
    private var sweeper: RepeatedTask?
    private var drained: EventLoopPromise<Void>?

    /// How often time limits are looked at; they are good to this much.
    private static let sweepInterval = TimeAmount.milliseconds(100)

    /// - Parameter place: this loop's in what all loops together hold.
    init(
        _ phases: RequestPhases, _ configuration: ServerConfiguration, _ notice: StopNotice,
        tasks: TaskTally, unsent: UnsentLedger, place: Int, eventLoop: any EventLoop
    ) {
        self.unsent = unsent
        self.place = place
        self.notice = notice
        self.tasks = tasks
        self.phases = phases
        self.configuration = configuration
        self.eventLoop = eventLoop
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        sweeper = eventLoop.scheduleRepeatedTask(
            initialDelay: Self.sweepInterval, delay: Self.sweepInterval
        ) { _ in
            bound.value.sweep()
        }
    }

    private func sweep() {
        let now = Moment.now()
        for connection in Array(connections.values) { connection.sweep(now) }
        cut()
    }

    /// Ends the connections that hold most, until all together hold what they may.
    private func cut() {
        let holding = connections.values.filter { $0.heldBytes > 0 }
            .sorted { $0.heldBytes > $1.heldBytes }
        let sizes = holding.map(\.heldBytes)
        let cuts = unsent.share.withLock { $0.cuts(sizes, of: place) }
        for connection in holding.prefix(cuts) { connection.abort() }
    }

    // MARK: - Membership

    var count: Int { connections.count }

    func add(_ connection: ConnectionHandler) {
        connections[ObjectIdentifier(connection)] = connection
    }

    func remove(_ connection: ConnectionHandler) {
        connections[ObjectIdentifier(connection)] = nil
        if connections.isEmpty { drained?.succeed() }
    }

    // MARK: - Stopping

    /// Lets every answer under way go out and closes what is idle.
    func drain() -> EventLoopFuture<Void> {
        isDraining = true
        let promise = drained ?? eventLoop.makePromise(of: Void.self)
        drained = promise
        for connection in Array(connections.values) { connection.drain() }
        if connections.isEmpty { promise.succeed() }
        return promise.futureResult
    }

    /// Closes what is left.
    func stop() {
        sweeper?.cancel()
        for connection in Array(connections.values) { connection.abort(status: 503) }
    }
}
