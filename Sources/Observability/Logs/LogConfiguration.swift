public import Logging

/// How log lines look.
public enum LogFormat: String, Sendable, CaseIterable {
    /// `time=… level=info logger=orders message="…" key=value`, for people and `grep`.
    case logfmt
    /// One JSON object per line, for machines.
    case json
}

/// Level and format of the log, with twins in the environment.
public struct LogConfiguration: Sendable {
    /// Messages below this level are not written.
    public var level: Logger.Level = .info
    /// How lines look.
    public var format: LogFormat = .logfmt

    /// Level `info`, format logfmt.
    public init() {}

    /// Reads `LOG_LEVEL` and `LOG_FORMAT`; what is not set keeps its default.
    ///
    /// Throws `invalidSetting`, with the values that are allowed, for a value that is none.
    public init(environment: [String: String]) throws(ObservabilityError) {
        if let text = environment["LOG_LEVEL"], !text.isEmpty {
            level = try Self.level(named: text)
        }
        if let text = environment["LOG_FORMAT"], !text.isEmpty {
            guard let format = LogFormat(rawValue: text.lowercased()) else {
                throw Self.invalid("LOG_FORMAT", text, LogFormat.allCases.map(\.rawValue))
            }
            self.format = format
        }
    }

    /// The level of that name, upper or lower case.
    public static func level(named name: String) throws(ObservabilityError) -> Logger.Level {
        guard let level = Logger.Level(rawValue: name.lowercased()) else {
            throw invalid("LOG_LEVEL", name, Logger.Level.allCases.map(\.rawValue))
        }
        return level
    }

    private static func invalid(
        _ name: String, _ value: String, _ allowed: [String]
    ) -> ObservabilityError {
        let allowed = allowed.joined(separator: ", ")
        return ObservabilityError(
            .invalidSetting, "\(name) is \"\(value.prefix(40))\", which is none of \(allowed)")
    }
}
