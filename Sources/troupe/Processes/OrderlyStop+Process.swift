import Dispatch
import Logging
import ServiceHTTP

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension OrderlyStop {
    /// The stop of this process.
    ///
    /// A person at a terminal is told what is waited for; a process that is supervised follows
    /// its supervisor instead.
    static func ofThisProcess(
        grace: Duration, in environment: EnvironmentOptions, logger: Logger
    ) -> OrderlyStop {
        let stop = OrderlyStop(grace: grace, logger: logger)
        if environment.variables[SupervisedService.marker] != nil {
            stop.followSupervisor()
        } else if LineOutput.errors.isTerminal {
            let farewell = farewell(grace: grace, limit: stop.limit)
            // Beside the stop, which waits for no terminal.
            stop.announce { Task { await LineOutput.errors.line(farewell) } }
        }
        return stop
    }

    /// What a person at the terminal is told: what is waited for, how long, and the way out.
    static func farewell(grace: Duration, limit: Duration) -> String {
        let seconds = grace.components.seconds
        let serving = seconds > 0 ? "requests are taken for \(seconds) s more, then " : ""
        return "troupe: stopping; \(serving)what is under way is finished, all in "
            + "\(limit.components.seconds) s at most; ctrl-C or SIGTERM once more ends it at once"
    }

    /// Does as the process says that supervises us and holds the other end of standard input:
    /// a byte announces a stop, and its end is one.
    private func followSupervisor() {
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
}
