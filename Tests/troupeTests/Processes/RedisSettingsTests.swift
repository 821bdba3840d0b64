import Foundation
import Saga
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
        let pauses = (0...7).map { RetrySchedule.restarts.pause(after: $0, random: 1) }
        let wanted = [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]
            .map { Duration.milliseconds($0) }

        #expect(pauses == wanted)
    }
}
