import Logging
import Synchronization

/// What a gateway logged.
final class RecordedLog: Sendable {
    struct Line {
        var message: String
        var fields: Logger.Metadata
    }

    private let kept = Mutex<[Line]>([])

    /// Writes here what is of level `info` or above.
    var logger: Logger { Logger(label: "gateway") { _ in Handler(record: self) } }

    var lines: [Line] { kept.withLock { $0 } }

    /// The lines of the access log.
    var requests: [Logger.Metadata] {
        lines.filter { $0.message == "request answered" }.map(\.fields)
    }

    private struct Handler: LogHandler {
        let record: RecordedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

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

extension Logger {
    /// Writes nothing.
    static var silent: Logger { Logger(label: "gateway") { _ in SwiftLogNoOpLogHandler() } }
}
