public import Logging
import Observability
public import ServiceLifecycle
import Synchronization
import UnixSignals

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Turns ctrl-C and SIGTERM into an orderly stop, and a second one into an immediate one.
///
///     first signal   → announced at once: not ready, who waits for a saga's end gets it as it
///                      stands, answers say that their connection closes
///     after `grace`  → services stop in reverse order of their start
///     5 s later      → whoever still runs is left behind, and the process ends with 1
///     second signal  → it ends at once, with 130 or 143, unless it comes with the first: who
///                      stops a process and its group, or a container and its init, asks once
///
/// SIGHUP, SIGUSR1 and SIGUSR2 mean nothing here and end nothing. Only where SIGHUP says that
/// the terminal is gone, and with it whoever could have pressed ctrl-C, it is a stop. A signal
/// that comes before there are services ends the process at once.
///
/// One for a process. The grace is kept by the services that face clients, such as
/// ``ServiceServer``: give them the same.
public final class OrderlyStop: Sendable {
    private struct State {
        var group: ServiceGroup?
        var listeners: [@Sendable () -> Void] = []
        var lastWords: [@Sendable () -> Void] = []
        var stoppingSince: ContinuousClock.Instant?
        var alarm: Task<Void, Never>?
    }

    /// The longest that a stop takes.
    public let limit: Duration
    /// Services get this long, the grace of the first of them included; the rest belongs to what
    /// they ran on.
    private let serviceLimit: Duration
    private let logger: Logger
    private let terminal = Terminal()
    private let state = Mutex(State())

    /// - Parameter grace: how long the services that face clients go on serving.
    public convenience init(grace: Duration = .zero, logger: Logger) {
        let services = grace + .seconds(4)
        self.init(services: services, limit: services + .seconds(1), logger: logger)
    }

    init(services: Duration, limit: Duration, logger: Logger) {
        self.limit = limit
        serviceLimit = services
        self.logger = logger
    }

    /// Has `listener` told of a stop as soon as one is asked for.
    ///
    /// That may be more than once; it must come back soon. The usual ones are
    /// ``Readiness/beginDraining()`` and a gateway's `announceStop`.
    public func announce(to listener: @escaping @Sendable () -> Void) {
        state.withLock { $0.listeners.append(listener) }
    }

    /// Has `word` called before the process ends at once; it must not wait.
    package func beforeEnding(_ word: @escaping @Sendable () -> Void) {
        state.withLock { $0.lastWords.append(word) }
    }

    // MARK: - Running

    /// Runs services until a signal comes, or until one of them ends.
    ///
    /// They begin in this order and stop in reverse.
    ///
    /// - Throws: what a service throws, or a ``ServiceHTTPError`` if some did not stop in time.
    public func run(_ services: [any Service]) async throws {
        let group = group(of: services)
        try await run { try await group.run() }
    }

    /// Runs `body`, which calls `serve`, and stops that when a signal comes.
    package func run(_ body: @Sendable () async throws -> Void) async throws {
        // Under nohup SIGHUP is ignored from the start, and stays so.
        let hangup: [UnixSignal] = Terminal.ignoresHangup ? [] : [.sighup]
        let signals = await UnixSignalsSequence(
            trapping: [.sigint, .sigterm, .sigusr1, .sigusr2] + hangup)
        let watch = Task {
            for await signal in signals { await take(signal) }
        }
        defer { watch.cancel() }
        try await runWithoutSignals(body)
    }

    /// The same for a process whose signals are somebody else's.
    func runWithoutSignals(_ body: @Sendable () async throws -> Void) async throws {
        // What is over needs no alarm.
        defer { state.withLock { $0.alarm }?.cancel() }
        do {
            try await body()
        } catch is CancellationError where state.withLock({ $0.stoppingSince }) != nil {
            throw ServiceHTTPError(
                .stopOverdue, "some services did not stop within \(serviceLimit)")
        }
    }

    /// Runs the services that a stop stops.
    package func serve(_ services: [any Service]) async throws {
        try await group(of: services).run()
    }

    private func group(of services: [any Service]) -> ServiceGroup {
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) }, logger: logger)
        configuration.maximumGracefulShutdownDuration = serviceLimit
        let group = ServiceGroup(configuration: configuration)
        state.withLock { $0.group = group }
        return group
    }

    // MARK: - Stopping

    private func take(_ signal: UnixSignal) async {
        switch signal {
        case .sighup where terminal.isGone, .sigint, .sigterm: await stop(after: signal)
        default:
            logger.notice(
                "a signal without a meaning was ignored; configuration is read at the start",
                metadata: ["signal": "\(signal)"])
        }
    }

    /// Stops as the first signal does; once more ends at once.
    public func stop() async { await stop(after: nil) }

    private func stop(after signal: UnixSignal?) async {
        let now = ContinuousClock.now
        let (since, group) = state.withLock { state in
            defer { state.stoppingSince = state.stoppingSince ?? now }
            return (state.stoppingSince, state.group)
        }
        if let since, now - since < Self.together, group != nil { return }
        guard since == nil, let group else { endNow(Self.exitCode(of: signal)) }
        let alarm = Task {
            guard (try? await Task.sleep(for: limit)) != nil else { return }
            endNow(Self.failure)
        }
        state.withLock { $0.alarm = alarm }
        announceStop()
        await group.triggerGracefulShutdown()
    }

    /// Tells the listeners, without a stop: for whoever knows that one will come.
    package func announceStop() {
        for listener in state.withLock({ $0.listeners }) { listener() }
    }

    /// Nobody presses ctrl-C twice in less.
    private static let together = Duration.milliseconds(250)
    private static let failure: Int32 = 1

    private func endNow(_ code: Int32) -> Never {
        for word in state.withLock({ $0.lastWords }) { word() }
        LogSink.standardError.flush(within: .milliseconds(200))
        _exit(code)
    }

    private static func exitCode(of signal: UnixSignal?) -> Int32 {
        signal == .sigint ? 130 : signal == .sigterm ? 143 : failure
    }
}

/// The terminal that this process was started from.
private struct Terminal {
    private let wasThere = Self.isThere

    /// Whether there was one, and there is none any more.
    var isGone: Bool { wasThere && !Self.isThere }

    private static var isThere: Bool {
        let terminal = open("/dev/tty", O_RDONLY | O_NOCTTY)
        guard terminal >= 0 else { return false }
        close(terminal)
        return true
    }

    /// Looked at before anything handles the signal: the only way to ask is to set it.
    static var ignoresHangup: Bool {
        let before = signal(SIGHUP, SIG_IGN)
        signal(SIGHUP, before)
        return unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
