import Foundation
import Testing
import TroupeRedisTestKit

@testable import troupe

/// `troupe check` beside a running system.
@Suite(.system, .timeLimit(.minutes(2)))
struct CheckTests {
    /// What it says of the file that we ship, after a change, and its exit code.
    private func check(
        _ change: (String, String), _ options: [String]
    ) async throws -> (code: Int32?, text: String) {
        let text = BuiltInGatewayFile.text
        #expect(change.0.isEmpty || text.contains(change.0))
        let path = "\(try RunningSystem.current.folder)/\(UUID().uuidString).yaml"
        try text.replacing(change.0, with: change.1)
            .write(toFile: path, atomically: true, encoding: .utf8)
        let run = try LoneProgram("check \(path)", options, variables: [:])
        let code = await run.child.exitStatus()
        let said = run.output.replacing(path, with: "g.yaml")
        await run.close()
        return (code, said)
    }

    @Test func whatServicesDeclareIsComparedWithTheRules() async throws {
        let system = try RunningSystem.current
        let redis = ["--redis", system.redis.url]

        // Each declares what it says as it starts, which may take it until now.
        try await eventually("all four have declared what they say") {
            let right = try await check(("", ""), redis)
            #expect(right.code == 0 && right.text.contains("no faults"), "\(right)")
            return !right.text.contains("warning")
        }

        let slip = try await check(("- OrderCancelled", "- OrderCanceled"), redis)
        #expect(slip.code == 2)
        #expect(slip.text.contains(#/g\.yaml:\d+:11: invalidation\.on\[0\]\.events\[4\]: /#))
        #expect(slip.text.contains("did you mean `OrderCancelled`?"), "\(slip)")
        let unasked = try await check(("- OrderCancelled", "- OrderCanceled"), [])
        #expect(unasked.code == 0, "\(unasked)")

        let service = try await check(("service: payment", "service: payments"), redis)
        #expect(service.code == 2)
        #expect(service.text.contains("did you mean `payment`?"), "\(service)")
    }

    @Test func whereNobodyHasRunNothingIsAFault() async throws {
        let redis = ["--redis", try RunningSystem.current.redis.url, "--namespace", "elsewhere"]

        let unknown = try await check(("", ""), redis)

        #expect(unknown.code == 0 && unknown.text.contains("no faults"), "\(unknown)")
        #expect(unknown.text.split(separator: "\n").count { $0.contains("warning") } == 4)
        #expect(unknown.text.contains("no service `order` has declared any event"))
    }

    @Test func aRedisThatDoesNotAnswerIsSaidToBeSo() async throws {
        let found = try await check(("", ""), ["--redis", "redis://127.0.0.1:1"])

        #expect(found.code == 4, "\(found)")
    }
}
