import Foundation
import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(3)))
struct RedisSettingsTests {
    @Test func theServerWeStartIsTheOneInTheDeployFolder() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "deploy/redis.conf")

        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            .filter { !$0.hasPrefix("#") }.map(String.init)

        #expect(lines == RedisSettings.lines)
    }

    @Test func argumentsAreSettingsInPairs() {
        let arguments = RedisSettings.arguments(port: 7, folder: "/f", logFile: "/f.log")

        #expect(arguments.contains(["--appendonly", "yes"]))
        #expect(arguments.contains(["--save", ""]))
        #expect(arguments.contains(["--port", "7"]))
    }

    @Test func factsAreReadFromInfo() {
        var facts = RedisFacts()

        facts.take(
            info: "# Server\r\nredis_version:7.0.15\r\nprocess_id:42\r\n# Persistence\r\n"
                + "aof_enabled:1\r\nmaxmemory_policy:noeviction\r\nrole:master\r\nmaxmemory:0\r\n")

        #expect(facts.version == "7.0.15")
        #expect(facts.processID == 42)
        #expect(facts.isAppendOnly)
        #expect(!facts.isReplica)
        #expect(facts.evictionPolicy == "noeviction")
    }

    @Test func pausesDoubleUpToTheirMaximum() {
        var backoff = Backoff(minimum: .milliseconds(100), maximum: .milliseconds(300))

        #expect(
            [backoff.next(), backoff.next(), backoff.next()]
                == [.milliseconds(100), .milliseconds(200), .milliseconds(300)])
    }
}
