import Logging
import Synchronization

/// What was logged.
final class LogLines: Sendable {
    struct Line {
        var text: String
        var count: String?
    }

    private let kept = Mutex<[Line]>([])

    var all: [Line] { kept.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Recorder(lines: self) } }

    private func add(_ event: LogEvent) {
        let count = event.metadata?["count"].map { "\($0)" }
        kept.withLock { $0.append(Line(text: "\(event.message)", count: count)) }
    }

    private struct Recorder: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.add(event) }
    }
}
