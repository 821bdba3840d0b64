import ArgumentParser

/// The root: names the subcommands and the exit codes.
struct TroupeCommand: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "troupe",
        abstract: "Runs an order system of sagas on Redis, with a caching gateway before it.",
        discussion: """
            Every option has an environment variable, named in brackets; the option wins.
            Results go to standard output, logs and messages to standard error.

            Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 not found,
            4 Redis or a service does not answer. A stop in order is 0; a second signal ends
            at once, with 130 after ctrl-C and 143 after SIGTERM.
            """,
        version: version,
        subcommands: [
            UpCommand.self, ServeCommand.self, GatewayCommand.self, TailCommand.self,
            SagaCommand.self, CheckCommand.self, DoctorCommand.self, ReconcileCommand.self,
            PauseCommand.self, ResumeCommand.self, InitCommand.self,
        ])
}
