import Logging
import Synchronization
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1)))
struct UpstreamFailureLogTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private struct Recorder: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }
            lines.all.withLock {
                $0.append(fields.map { "\($0.key)=\($0.value)" }.joined(separator: " "))
            }
        }
    }

    @Test func anOutageIsALineInTenSecondsThatCounts() {
        let lines = Lines()
        let log = UpstreamFailureLog(Logger(label: "test") { _ in Recorder(lines: lines) })
        let server = UpstreamTarget(host: "::1", port: 80)
        func note(_ failure: UpstreamFailure, at seconds: Int64) {
            log.note(
                failure, of: server, upstream: "shop", request: "r\(seconds)",
                at: Moment(nanoseconds: seconds * 1_000_000_000))
        }
        for second: Int64 in 0...9 { note(.init(.timedOut), at: second) }
        note(.broken("two lengths"), at: 9)
        note(.init(.cancelled), at: 9)
        note(.init(.timedOut), at: 10)

        let common = "server=[::1]:80"
        #expect(
            lines.all.withLock { $0 } == [
                "failure=timedOut request_id=r0 \(common) upstream=shop",
                "failure=broken reason=two lengths request_id=r9 \(common) upstream=shop",
                "failure=timedOut request_id=r10 \(common) unlogged=9 upstream=shop",
            ])
    }
}
