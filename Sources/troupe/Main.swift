import ArgumentParser
import Observability
import PlainText
import SandboxService
import ServiceHTTP

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads the command line, runs the subcommand, and turns its end into an exit code.
@main
struct Main {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        // However the process ends by itself, its last lines are written, if anybody reads them.
        // Not by a closure: one made here belongs to the main actor, and any thread may exit.
        atexit(writeLastLines)
        await explainUnknownCommand(arguments)
        do {
            var command = try TroupeCommand.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            await end(failure)
        } catch let error as SandboxError {
            await end(CommandFailure(error))
        } catch let error as ServiceHTTPError where error.code == .stopOverdue {
            await end(CommandFailure(.failure, error.message))
        } catch {
            let words = arguments.prefix { !$0.hasPrefix("-") }.prefix { $0 != "help" }
            let depth = words.first == "saga" ? 2 : 1
            await end(
                parsing: error, of: words.prefix(depth).map { $0 + " " }.joined())
        }
    }

    /// A slip in the subcommand's name deserves a better answer than a list of them all.
    private static func explainUnknownCommand(_ arguments: [String]) async {
        let names = TroupeCommand.configuration.subcommands.compactMap {
            $0.configuration.commandName
        }
        guard let typed = arguments.first, !typed.hasPrefix("-"), typed != "help",
            !names.contains(typed)
        else { return }
        await end(
            CommandFailure(
                .usage, "there is no subcommand “\(typed)”",
                remedy: Spelling.slip(typed, of: names).map { "troupe \($0)" }
                    ?? "troupe --help"))
    }

    private static func end(_ failure: CommandFailure) async -> Never {
        let palette = Palette(for: .errors, environment: .ofThisProcess)
        await LineOutput.errors.line("\(palette.paint("troupe:", .red, bold: true)) \(failure)")
        exit(failure.code.rawValue)
    }

    /// What ArgumentParser throws: help and version are not failures.
    ///
    /// - Parameter command: the subcommand that was typed, with a space behind it.
    private static func end(parsing error: any Error, of command: String) async -> Never {
        let text = TroupeCommand.fullMessage(for: error)
        if TroupeCommand.exitCode(for: error).isSuccess {
            await LineOutput.standard.line(text)
            exit(CommandFailure.Code.success.rawValue)
        }
        guard TroupeCommand.exitCode(for: error) == .validationFailure else {
            // Whatever the subcommand had to say has been said.
            if !text.isEmpty { await LineOutput.errors.line(text) }
            exit(CommandFailure.Code.failure.rawValue)
        }
        await end(
            CommandFailure(
                .usage, TroupeCommand.message(for: error), remedy: "troupe \(command)--help"))
    }
}

private func writeLastLines() {
    LogSink.standardError.flush(within: .seconds(1))
}
