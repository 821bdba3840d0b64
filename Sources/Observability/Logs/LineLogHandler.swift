public import Logging
import Timekeeping

/// Writes each log event as one line, JSON or logfmt.
///
/// Whoever logs never waits for the reader of the lines; see ``LogSink``.
///
/// Times are UTC with milliseconds. Line breaks and control characters in any value are escaped,
/// so no input can forge a line. Values under names that tell of a secret, and credentials within
/// URLs, are replaced by `[redacted]`.
public struct LineLogHandler: LogHandler {
    /// Messages below this level are not written.
    public var logLevel: Logger.Level
    /// Metadata of every line.
    public var metadata: Logger.Metadata = [:]
    /// Metadata that is asked for at every line.
    public var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let format: LogFormat
    private let sink: LogSink

    /// A handler for the logger of that label.
    public init(
        label: String, configuration: LogConfiguration = LogConfiguration(),
        sink: LogSink = .standardError, metadataProvider: Logger.MetadataProvider? = nil
    ) {
        self.label = label
        self.logLevel = configuration.level
        self.format = configuration.format
        self.sink = sink
        self.metadataProvider = metadataProvider
    }

    /// One value of ``metadata``.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes the event.
    public func log(event: LogEvent) {
        var line = LogLine(format: format)
        line.add("time", Timestamp.now().description)
        line.add("level", event.level.rawValue)
        line.add("logger", label)
        line.add("message", Redaction.text(event.message.description))
        if let error = event.error {
            line.add("error", Redaction.text(String(describing: error)))
        }
        for (name, value) in merged(with: event.metadata) {
            let name = LogLine.free(name, hasError: event.error != nil)
            line.add(name, Redaction.value(value, named: name))
        }
        sink.write(line.finished(), format)
    }

    private func merged(
        with event: Logger.Metadata?
    ) -> [(key: String, value: Logger.MetadataValue)] {
        var all = metadata
        if let provided = metadataProvider?.get() {
            all.merge(provided) { _, newer in newer }
        }
        if let event {
            all.merge(event) { _, newer in newer }
        }
        return all.sorted { $0.key < $1.key }
    }
}
