import Dispatch
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

/// A program started by us, in a process group of its own.
///
/// Its own group, so that ctrl-C in the terminal reaches only us, and we decide who stops when.
/// The wait for its end blocks a thread of a private queue, never one that runs tasks. Signals
/// go out only while the process has not been reaped, so they can never hit a stranger that got
/// the same number.
final class ChildProgram: Sendable {
    let processID: pid_t
    private let isReaped: ReapedFlag
    private let ending: Task<Int32, Never>

    /// What a child reads and writes, as file descriptors of this process.
    ///
    /// Nil input is empty; nil output and errors go where ours go.
    struct Streams {
        var input: Int32?
        var output: Int32?
        var errors: Int32?
    }

    /// Starts `executable`, looked up in the path; `environment` nil means ours.
    init(
        _ executable: String, _ arguments: [String], environment: [String: String]? = nil,
        streams: Streams = Streams()
    ) throws(CommandFailure) {
        var actions = SpawnActions(streams)
        defer { actions.destroy() }
        let variables = environment ?? ProcessInfo.processInfo.environment
        let processID = actions.spawn(
            executable, [executable] + arguments, variables.map { "\($0.key)=\($0.value)" })
        switch processID {
        case .success(let processID): self.processID = processID
        case .failure(let error):
            let reason = String(cString: strerror(error.number))
            throw CommandFailure(.failure, "cannot start \(executable): \(reason)")
        }
        isReaped = ReapedFlag()
        ending = Self.reap(self.processID, isReaped)
    }

    /// Waits for the end and returns the exit status, or 128 + the signal that ended it.
    func exitStatus() async -> Int32 { await ending.value }

    var hasEnded: Bool { isReaped.value.withLock { $0 } }

    /// Sends a signal, unless the process has ended.
    func send(_ signal: Int32) {
        isReaped.value.withLock { isReaped in
            if !isReaped { _ = kill(processID, signal) }
        }
    }

    /// Asks the process to stop, and ends it when it has not done so within `limit`.
    @discardableResult
    func stop(within limit: Duration) async -> Int32 {
        send(SIGTERM)
        let execution = Task {
            try await Task.sleep(for: limit)
            send(SIGKILL)
        }
        defer { execution.cancel() }
        return await exitStatus()
    }

    private static func reap(_ processID: pid_t, _ isReaped: ReapedFlag) -> Task<Int32, Never> {
        let queue = DispatchQueue(label: "troupe.child.\(processID)")
        return Task {
            await withCheckedContinuation { continuation in
                queue.async {
                    // Sees the end, but leaves the number taken until the flag is set.
                    var ended = siginfo_t()
                    while waitid(P_PID, id_t(processID), &ended, WEXITED | WNOWAIT) == -1,
                        errno == EINTR
                    {}
                    var status: Int32 = 0
                    isReaped.value.withLock { isReaped in
                        _ = waitpid(processID, &status, 0)
                        isReaped = true
                    }
                    let signal = status & 0x7F
                    continuation.resume(
                        returning: signal == 0 ? (status >> 8) & 0xFF : 128 + signal)
                }
            }
        }
    }
}

/// Shared between a child and the thread that reaps it.
private final class ReapedFlag: Sendable {
    let value = Mutex(false)
}

/// The file actions and attributes of one `posix_spawn`.
private struct SpawnActions {
    struct Failure: Error { var number: Int32 }

    #if canImport(Darwin)
        private var files: posix_spawn_file_actions_t?
        private var attributes: posix_spawnattr_t?
    #else
        private var files = posix_spawn_file_actions_t()
        private var attributes = posix_spawnattr_t()
    #endif

    init(_ streams: ChildProgram.Streams) {
        posix_spawn_file_actions_init(&files)
        if let input = streams.input {
            posix_spawn_file_actions_adddup2(&files, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
        }
        if let output = streams.output { posix_spawn_file_actions_adddup2(&files, output, 1) }
        if let errors = streams.errors { posix_spawn_file_actions_adddup2(&files, errors, 2) }

        // Signals that we ignore or block must work in the child. No socket of ours may live
        // on in it: a redis-server that outlives us would keep our ports taken.
        posix_spawnattr_init(&attributes)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        var flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        #if canImport(Darwin)
            flags |= POSIX_SPAWN_CLOEXEC_DEFAULT
            posix_spawn_file_actions_addinherit_np(&files, 1)
            posix_spawn_file_actions_addinherit_np(&files, 2)
        #else
            closeAllAboveErrors()
        #endif
        posix_spawnattr_setflags(&attributes, Int16(flags))
    }

    mutating func spawn(
        _ executable: String, _ arguments: [String], _ variables: [String]
    ) -> Result<pid_t, Failure> {
        var processID: pid_t = 0
        var argumentList: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var variableList: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { for text in argumentList + variableList { free(text) } }
        let number = posix_spawnp(
            &processID, executable, &files, &attributes, &argumentList, &variableList)
        return number == 0 ? .success(processID) : .failure(Failure(number: number))
    }

    #if !canImport(Darwin)
        /// Sockets are not closed on exec by themselves.
        ///
        /// glibc 2.34 can close them all, but Swift does not see the call; before, those that
        /// are open now have to do.
        private mutating func closeAllAboveErrors() {
            typealias CloseFrom =
                @convention(c) (
                    UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32
                ) -> Int32
            if let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") {
                _ = unsafeBitCast(symbol, to: CloseFrom.self)(&files, 3)
                return
            }
            let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
            for descriptor in (names ?? []).compactMap({ Int32($0) }) where descriptor > 2 {
                posix_spawn_file_actions_addclose(&files, descriptor)
            }
        }
    #endif

    mutating func destroy() {
        posix_spawn_file_actions_destroy(&files)
        posix_spawnattr_destroy(&attributes)
    }
}

/// A process that is not our child, of which we know the number.
enum StrayProcess {
    static func askToStop(_ processID: Int) -> Bool {
        processID > 1 && kill(pid_t(processID), SIGTERM) == 0
    }
}
