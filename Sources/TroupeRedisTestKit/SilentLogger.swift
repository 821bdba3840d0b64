package import Logging

extension Logger {
    /// Writes nothing, so that tests which cut connections and break data are quiet.
    package static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
