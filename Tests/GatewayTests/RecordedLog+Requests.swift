import Logging
import TroupeRedisTestKit

extension RecordedLog {
    /// The lines of the access log.
    var requests: [Logger.Metadata] {
        lines.filter { $0.message == "request answered" }.map(\.fields)
    }
}
