import SandboxService

/// Why a command ends without having done its work: what happened, what to try, the exit code.
struct CommandFailure: Error, CustomStringConvertible {
    /// The exit codes of every subcommand; the README lists them.
    enum Code: Int32 {
        case success = 0
        case failure = 1
        /// An option, an environment variable or a file is wrong.
        case usage = 2
        case notFound = 3
        /// Redis, or a service, does not answer.
        case unreachable = 4
    }

    var code: Code
    var message: String
    /// The next step, as an imperative sentence or a command line.
    var remedy: String?

    init(_ code: Code, _ message: String, remedy: String? = nil) {
        self.code = code
        self.message = message
        self.remedy = remedy
    }

    var description: String {
        remedy.map { "\(message)\n  try: \($0)" } ?? message
    }
}

extension CommandFailure {
    /// What the sandbox could not do; it is part of `up`, where nobody named its file.
    init(_ error: SandboxError) {
        let remedy: String? =
            switch error.code {
            case .fileInUse:
                "stop the other troupe up or troupe serve sandbox, or pass another --data-folder"
            case .fileUnusable, .writeFailed:
                "make room, or start in a folder you may write to, or pass --data-folder"
            default: nil
            }
        self.init(.failure, error.message, remedy: remedy)
    }
}
