package import Logging
import Synchronization

/// What was logged.
package final class RecordedLog: Sendable {
    package struct Line: Sendable {
        package var message: String
        package var fields: Logger.Metadata
    }

    private let least: Logger.Level
    private let kept = Mutex<[Line]>([])

    /// - Parameter least: the lowest level that is kept.
    package init(from least: Logger.Level = .info) {
        self.least = least
    }

    /// Writes here.
    package var logger: Logger {
        Logger(label: "test") { _ in Handler(record: self, logLevel: least) }
    }

    package var lines: [Line] { kept.withLock { $0 } }

    private struct Handler: LogHandler {
        let record: RecordedLog
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Line(message: "\(event.message)", fields: event.metadata ?? [:])
            record.kept.withLock { $0.append(line) }
        }
    }
}
