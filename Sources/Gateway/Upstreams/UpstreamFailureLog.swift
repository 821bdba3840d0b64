import Logging
import Synchronization

/// Logs why upstreams gave no answer; clients are told no more than the status.
///
/// The first failure of a kind is logged at once, then one in ten seconds, with how many came
/// between: an outage must not fill the disk.
final class UpstreamFailureLog: Sendable {
    private struct Kind: Hashable {
        var server: String
        var kind: UpstreamFailure.Kind
        var detail: String
    }

    private struct Silence {
        var end: Moment
        var unlogged = 0
    }

    private let logger: Logger
    private let silences = Mutex<[Kind: Silence]>([:])

    private static let pause = Duration.seconds(10)
    private static let kindLimit = 1_024

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// A try failed.
    ///
    /// - Parameter request: its name.
    func note(
        _ failure: UpstreamFailure, of server: UpstreamTarget, upstream: String, request: String?,
        at now: Moment = .now()
    ) {
        switch failure.kind {
        case .cancelled, .stopped: return
        case .unreachable, .overloaded, .timedOut, .closedEarly, .broken, .tooLarge, .unsendable:
            break
        }
        let kind = Kind(server: server.authority, kind: failure.kind, detail: failure.detail)
        guard let unlogged = silences.withLock({ Self.pass(kind, &$0, at: now) }) else { return }
        var metadata: Logger.Metadata = [
            "upstream": .string(upstream), "server": .string(kind.server),
            "failure": .string(failure.kind.rawValue),
        ]
        if !failure.detail.isEmpty { metadata["reason"] = .string(failure.detail) }
        if let request { metadata["request_id"] = .string(request) }
        if unlogged > 0 { metadata["unlogged"] = .stringConvertible(unlogged) }
        logger.warning("upstream gave no valid answer", metadata: metadata)
    }

    /// How many were not logged before this one, or `nil` if it is not logged either.
    private static func pass(
        _ kind: Kind, _ silences: inout [Kind: Silence], at now: Moment
    ) -> Int? {
        if let silence = silences[kind], now < silence.end {
            silences[kind]?.unlogged += 1
            return nil
        }
        if silences.count >= kindLimit { silences.removeAll() }
        return silences.updateValue(Silence(end: now + pause), forKey: kind)?.unlogged ?? 0
    }
}
