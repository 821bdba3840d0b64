import Dispatch
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
///     first signal   → services stop in reverse order of their start, own Redis last
///     after 5 s      → whoever still runs is left behind; Redis is told to stop
///     second signal  → the same at once
final class StopSwitch: Sendable {
    /// Services get this long; the rest of the five seconds belongs to Redis.
    static let serviceLimit = Duration.seconds(4)
    private static let totalLimit = Duration.seconds(5)

    private struct State {
        var group: ServiceGroup?
        var redis: OwnRedisServer?
        var isStopping = false
    }

    private let state = Mutex(State())

    func use(_ redis: OwnRedisServer) { state.withLock { $0.redis = redis } }

    func use(_ group: ServiceGroup) { state.withLock { $0.group = group } }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Runs `body` and stops what has been told to it when a signal comes.
    func run(_ body: @Sendable () async throws -> Void) async throws {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let watch = Task {
            for await signal in signals { await stop(after: signal) }
        }
        defer { watch.cancel() }
        do {
            try await body()
        } catch is CancellationError where isStopping {
            throw CommandFailure(
                .failure, "some services did not stop within \(Self.serviceLimit)")
        }
    }

    /// Stops as the first signal does; once more ends at once.
    func stop(after signal: UnixSignal? = nil) async {
        let (isFirst, group) = state.withLock { state in
            defer { state.isStopping = true }
            return (!state.isStopping, state.group)
        }
        guard isFirst, let group else { endNow(exitCode(of: signal)) }
        Task {
            try await Task.sleep(for: Self.totalLimit)
            endNow(CommandFailure.Code.failure.rawValue)
        }
        await group.triggerGracefulShutdown()
    }

    /// Stops when standard input ends: the process that supervises us holds its other end.
    func stopWhenInputEnds() {
        DispatchQueue(label: "troupe.supervision").async {
            var byte: UInt8 = 0
            while true {
                let count = read(0, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR) { break }
            }
            Task { await self.stop() }
        }
    }

    private func endNow(_ code: Int32) -> Never {
        state.withLock { $0.redis }?.stopSoon()
        _exit(code)
    }

    private func exitCode(of signal: UnixSignal?) -> Int32 {
        signal == .sigint ? 130 : signal == .sigterm ? 143 : CommandFailure.Code.failure.rawValue
    }
}
