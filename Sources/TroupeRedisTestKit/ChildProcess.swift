import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

enum Signal {
    static let terminate = SIGTERM
    static let kill = SIGKILL
    static let stop = SIGSTOP
    static let resume = SIGCONT
}

/// A process that this one started.
///
/// A thread of its own waits for it, so tasks can await it.
final class ChildProcess: Sendable {
    private struct State {
        var hasExited = false
        var input: Int32?
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    let id: pid_t
    private let state: Mutex<State>

    /// Starts a program with no output.
    ///
    /// With input, the process sees its input end when this object or this process goes.
    init(_ program: String, _ arguments: [String], hasInput: Bool = false) throws {
        var ends: [Int32] = [-1, -1]
        if hasInput {
            guard pipe(&ends) == 0 else { throw RedisServer.Failure(description: "pipe failed") }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        }
        defer { if hasInput { close(ends[0]) } }
        id = try Self.spawn(program, arguments, input: hasInput ? ends[0] : nil)
        state = Mutex(State(input: hasInput ? ends[1] : nil))
        waitOnThread()
    }

    deinit {
        closeInput()
    }

    private static func spawn(
        _ program: String, _ arguments: [String], input: Int32?
    ) throws -> pid_t {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        // A group of its own: ctrl-C at the tests is not the server's, the watchdog ends it.
        // No signal blocked: threads that run tasks block them all, and children inherit that.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGMASK))
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        for output in [Int32(1), 2] {
            posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0)
        }
        closeOtherFiles(&actions)
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var id: pid_t = 0
        let status = posix_spawn(&id, program, &actions, &attributes, &words, environ)
        guard status == 0 else {
            throw RedisServer.Failure(description: "cannot start \(program): error \(status)")
        }
        return id
    }

    #if canImport(Darwin)
        private static func closeOtherFiles(_ actions: inout posix_spawn_file_actions_t?) {}
    #else
        /// A server that inherits a socket of some other test keeps that test's port taken.
        ///
        /// Only glibc 2.34 and later can close them all, by a call that Swift does not see.
        private static func closeOtherFiles(_ actions: inout posix_spawn_file_actions_t) {
            typealias CloseFrom =
                @convention(c) (
                    UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32
                ) -> Int32
            guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else {
                return
            }
            _ = unsafeBitCast(symbol, to: CloseFrom.self)(&actions, 3)
        }
    #endif

    var isRunning: Bool { state.withLock { !$0.hasExited } }

    /// Sends a signal, unless the process is gone and its number may be another's.
    func send(_ signal: Int32) {
        state.withLock { state in
            if !state.hasExited { _ = kill(id, signal) }
        }
    }

    /// Waits until the process is gone.
    func exit() async {
        await withCheckedContinuation { continuation in
            let hasExited = state.withLock { state in
                if !state.hasExited { state.waiting.append(continuation) }
                return state.hasExited
            }
            if hasExited { continuation.resume() }
        }
    }

    func closeInput() {
        let input = state.withLock { state in
            defer { state.input = nil }
            return state.input
        }
        if let input { close(input) }
    }

    private func waitOnThread() {
        let box = Unmanaged.passRetained(Reaper(id: id) { [weak self] in self?.hasExited() })
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let status = pthread_create(&thread, nil, reap, box.toOpaque())
        if status == 0, let thread = Optional(thread) { pthread_detach(thread) }
    }

    private func hasExited() {
        let waiting = state.withLock { state in
            defer {
                state.hasExited = true
                state.waiting = []
            }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

/// What a waiting thread needs to know.
private final class Reaper: Sendable {
    let id: pid_t
    let whenExited: @Sendable () -> Void

    init(id: pid_t, whenExited: @escaping @Sendable () -> Void) {
        self.id = id
        self.whenExited = whenExited
    }

    func wait() {
        // Waits without reaping first, so that nobody signals a number that is free already.
        var status: Int32 = 0
        while waitpid(id, &status, 0) == -1, errno == EINTR {}
        whenExited()
    }
}

#if canImport(Darwin)
    private func reap(_ box: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        Unmanaged<Reaper>.fromOpaque(box).takeRetainedValue().wait()
        return nil
    }
#else
    private func reap(_ box: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        if let box { Unmanaged<Reaper>.fromOpaque(box).takeRetainedValue().wait() }
        return nil
    }
#endif
