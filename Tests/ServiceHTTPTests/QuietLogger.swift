import Logging

extension Logger {
    /// Writes nothing.
    static var quiet: Logger { Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() } }
}
