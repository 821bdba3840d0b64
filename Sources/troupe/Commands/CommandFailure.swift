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
