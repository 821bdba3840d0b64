import Logging
import Synchronization

/// Passes on what the HTTP framework has to say, until its server is cancelled.
///
/// From then on it reports the cancellation as errors of several kinds, which are none.
struct FrameworkLogHandler: LogHandler {
    /// Whether the server is cancelled.
    final class Silence: Sendable {
        private let hasBegun = Atomic(false)

        func begin() { hasBegun.store(true, ordering: .relaxed) }

        fileprivate var isKept: Bool { hasBegun.load(ordering: .relaxed) || Task.isCancelled }
    }

    private let silence: Silence
    private var base: any LogHandler

    init(_ base: any LogHandler, silence: Silence) {
        self.base = base
        self.silence = silence
    }

    var logLevel: Logger.Level {
        get { base.logLevel }
        set { base.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { base.metadataProvider }
        set { base.metadataProvider = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        if !silence.isKept { base.log(event: event) }
    }
}
