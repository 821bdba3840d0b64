import Logging
import Saga
import ServiceLifecycle
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A child process that is started again whenever it ends.
///
/// The child's standard input is a pipe whose other end is ours: should we be killed, the pipe
/// ends, and so does the child. A byte on it says that its turn to stop will come, so that it
/// is not ready from now on and keeps nobody waiting (`OrderlyStop.followSupervisor`).
final class SupervisedService: Service {
    /// Set in the environment of children, so that they watch their standard input.
    static let marker = "TROUPE_SUPERVISED"

    private let name: String
    private let arguments: [String]
    private let variables: [String: String]
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var child: ChildProgram?
        var lifeline: Lifeline?
        var isStopping = false
    }

    init(
        _ name: String, _ arguments: [String], variables: [String: String], logger: Logger
    ) {
        self.name = name
        self.arguments = arguments
        self.variables = variables
        self.logger = logger
    }

    func run() async throws {
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await keepAlive()
            } onGracefulShutdown: {
                self.stop(with: SIGTERM)
            }
        } onCancel: {
            self.stop(with: SIGKILL)
        }
    }

    /// Lets the child know that all of us are going to stop.
    func announceStop() {
        state.withLock { $0.lifeline?.ring() }
    }

    private func keepAlive() async {
        var losses = 0
        while !state.withLock({ $0.isStopping }) {
            let started = ContinuousClock.now
            do throws(CommandFailure) {
                let status = try await runOnce()
                guard !state.withLock({ $0.isStopping }) else { return }
                logger.error(
                    "a service ended; starting it again",
                    metadata: ["service": "\(name)", "status": .stringConvertible(status)])
            } catch {
                logger.error("a service cannot be started", metadata: ["reason": "\(error)"])
            }
            if ContinuousClock.now - started > .seconds(10) { losses = 0 }
            try? await Task.sleep(for: RetrySchedule.restarts.pause(after: losses, random: 1))
            losses += 1
        }
    }

    private func runOnce() async throws(CommandFailure) -> Int32 {
        let pipe = try Lifeline()
        var environment = ProcessInfo.processInfo.environment
        environment.merge(variables) { _, ours in ours }
        environment[Self.marker] = "1"
        let child = try ChildProgram(
            Self.program, arguments, environment: environment,
            streams: ChildProgram.Streams(input: pipe.childEnd))
        pipe.closeChildEnd()
        let isStopping = state.withLock { state in
            state.child = child
            state.lifeline = pipe
            return state.isStopping
        }
        if isStopping { child.send(SIGTERM) }
        defer {
            state.withLock { state in
                state.child = nil
                state.lifeline = nil
            }
        }
        return await child.exitStatus()
    }

    private func stop(with signal: Int32) {
        state.withLock { state in
            state.isStopping = true
            state.child?.send(signal)
        }
    }

    /// This program, also when it was found through the path.
    static var program: String {
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return link ?? CommandLine.arguments.first ?? "troupe"
    }
}

/// A pipe that ends when this process does.
private final class Lifeline: Sendable {
    var childEnd: Int32 { openEnd.withLock { $0 } }
    private let openEnd: Mutex<Int32>
    private let ourEnd: Int32

    init() throws(CommandFailure) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw CommandFailure(.failure, "no more pipes: \(String(cString: strerror(errno)))")
        }
        openEnd = Mutex(ends[0])
        ourEnd = ends[1]
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }

    func closeChildEnd() {
        openEnd.withLock { end in
            if end >= 0 { close(end) }
            end = -1
        }
    }

    /// Does nothing for a child that is gone; SIGPIPE is ignored in a process with sockets.
    func ring() {
        var byte: UInt8 = 1
        _ = write(ourEnd, &byte, 1)
    }

    deinit {
        closeChildEnd()
        close(ourEnd)
    }
}
