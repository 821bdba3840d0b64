import Dispatch
import Logging
import Observability
import ServiceLifecycle
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
///     first signal   → announced at once: not ready, who waits for an order's end gets it as it
///                      stands, answers say that their connection closes
///     after `grace`  → services stop in reverse order of their start, own Redis last
///     5 s later      → whoever still runs is left behind; Redis is told to stop
///     second signal  → the same at once, unless it comes with the first: who stops a process
///                      and its group, or a container and its init, asks once
///
/// SIGHUP, SIGUSR1 and SIGUSR2 mean nothing here and end nothing. Only where SIGHUP says that
/// the terminal is gone, and with it whoever could have pressed ctrl-C, it is a stop.
final class StopSwitch: Sendable {
    private struct State {
        var group: ServiceGroup?
        var redis: OwnRedisServer?
        var announcements: [@Sendable () -> Void] = []
        var stoppingSince: ContinuousClock.Instant?
        var isStopping: Bool { stoppingSince != nil }
        var isSupervised = false
    }

    /// Services get this long, the grace of the first of them included; a second more belongs
    /// to Redis.
    let serviceLimit: Duration
    private let grace: Duration
    private let logger: Logger
    private let terminal = Terminal()
    private let state = Mutex(State())

    /// - Parameter grace: how long the services that face clients go on serving.
    init(grace: Duration, logger: Logger) {
        self.grace = grace
        serviceLimit = grace + .seconds(4)
        self.logger = logger
    }

    func use(_ redis: OwnRedisServer) { state.withLock { $0.redis = redis } }

    func use(_ group: ServiceGroup) { state.withLock { $0.group = group } }

    /// Has `listener` told of a stop as soon as one is asked for.
    func announce(to listener: @escaping @Sendable () -> Void) {
        state.withLock { $0.announcements.append(listener) }
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Runs `body` and stops what has been told to it when a signal comes.
    func run(_ body: @Sendable () async throws -> Void) async throws {
        // Under nohup SIGHUP is ignored from the start, and stays so.
        let hangup: [UnixSignal] = Terminal.ignoresHangup ? [] : [.sighup]
        let signals = await UnixSignalsSequence(
            trapping: [.sigint, .sigterm, .sigusr1, .sigusr2] + hangup)
        let watch = Task {
            for await signal in signals { await take(signal) }
        }
        defer { watch.cancel() }
        do {
            try await body()
        } catch is CancellationError where isStopping {
            throw CommandFailure(
                .failure, "some services did not stop within \(serviceLimit)")
        }
    }

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
    func stop(after signal: UnixSignal? = nil) async {
        let now = ContinuousClock.now
        let (since, group) = state.withLock { state in
            defer { state.stoppingSince = state.stoppingSince ?? now }
            return (state.stoppingSince, state.group)
        }
        if let since, now - since < Self.together, group != nil { return }
        guard since == nil, let group else { endNow(exitCode(of: signal)) }
        let limit = serviceLimit + .seconds(1)
        Task {
            try await Task.sleep(for: limit)
            endNow(CommandFailure.Code.failure.rawValue)
        }
        announceStop()
        if LineOutput.errors.isTerminal, !state.withLock({ $0.isSupervised }) {
            // Beside the stop, which waits for no terminal.
            Task { await LineOutput.errors.line(Self.farewell(grace: grace, limit: limit)) }
        }
        await group.triggerGracefulShutdown()
    }

    /// What a person at the terminal is told: what is waited for, how long, and the way out.
    static func farewell(grace: Duration, limit: Duration) -> String {
        let seconds = grace.components.seconds
        let serving = seconds > 0 ? "requests are taken for \(seconds) s more, then " : ""
        return "troupe: stopping; \(serving)what is under way is finished, all in "
            + "\(limit.components.seconds) s at most; ctrl-C or SIGTERM once more ends it at once"
    }

    /// Nobody presses ctrl-C twice in less.
    private static let together = Duration.milliseconds(250)

    private func announceStop() {
        for listener in state.withLock({ $0.announcements }) { listener() }
    }

    /// Does as the process says that supervises us and holds the other end of standard input:
    /// a byte announces a stop, and its end is one.
    func followSupervisor() {
        state.withLock { $0.isSupervised = true }
        DispatchQueue(label: "troupe.supervision").async {
            var byte: UInt8 = 0
            while true {
                let count = read(0, &byte, 1)
                if count > 0 { self.announceStop() }
                if count == 0 || (count < 0 && errno != EINTR) { break }
            }
            Task { await self.stop() }
        }
    }

    private func endNow(_ code: Int32) -> Never {
        state.withLock { $0.redis }?.stopSoon()
        LogSink.standardError.flush(within: .milliseconds(200))
        _exit(code)
    }

    private func exitCode(of signal: UnixSignal?) -> Int32 {
        signal == .sigint ? 130 : signal == .sigterm ? 143 : CommandFailure.Code.failure.rawValue
    }
}

/// The terminal that this process was started from.
struct Terminal {
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
