import Testing
import TroupeRedisTestKit

@testable import Gateway

@Suite(.timeLimit(.minutes(1)))
struct UpstreamFailureLogTests {
    @Test func anOutageIsALineInTenSecondsThatCounts() {
        let written = RecordedLog()
        let log = UpstreamFailureLog(written.logger)
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
        let lines = written.lines.map { line in
            line.fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                .joined(separator: " ")
        }
        #expect(
            lines == [
                "failure=timedOut request_id=r0 \(common) upstream=shop",
                "failure=broken reason=two lengths request_id=r9 \(common) upstream=shop",
                "failure=timedOut request_id=r10 \(common) unlogged=9 upstream=shop",
            ])
    }
}
