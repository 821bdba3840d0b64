import Foundation
import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(3)))
struct ChildProgramTests {
    @Test func exitStatusIsReported() async throws {
        #expect(try await ChildProgram("sh", ["-c", "exit 7"]).exitStatus() == 7)
        #expect(try await ChildProgram("true", []).exitStatus() == 0)
    }

    @Test func endBySignalIsReportedAsShellsDo() async throws {
        let child = try ChildProgram("sleep", ["600"])

        child.send(SIGKILL)

        #expect(await child.exitStatus() == 128 + SIGKILL)
        #expect(child.hasEnded)
    }

    @Test func whoIgnoresTheRequestToStopIsEnded() async throws {
        let pipe = Pipe()
        let child = try ChildProgram(
            "sh", ["-c", "trap '' TERM; echo ready; while :; do sleep 1; done"],
            streams: ChildProgram.Streams(output: pipe.fileHandleForWriting.fileDescriptor))
        pipe.fileHandleForWriting.closeFile()
        _ = pipe.fileHandleForReading.availableData

        #expect(await child.stop(within: .milliseconds(100)) == 128 + SIGKILL)
    }

    @Test func missingProgramIsAnError() {
        #expect(throws: CommandFailure.self) {
            try ChildProgram("no-such-program-\(UInt64.random(in: 0...(.max)))", [])
        }
    }

    @Test func environmentAndInputAreThoseGiven() async throws {
        let child = try ChildProgram(
            "sh", ["-c", "read line; test \"$GREETING\" = hello && test -z \"$line\""],
            environment: ["GREETING": "hello", "PATH": "/usr/bin:/bin"])

        #expect(await child.exitStatus() == 0)
    }

    @Test func noDescriptorOfOursIsOpenInTheChild() async throws {
        let pipe = Pipe()
        let leaked = pipe.fileHandleForWriting.fileDescriptor

        let child = try ChildProgram("sh", ["-c", "test ! -e /dev/fd/\(leaked)"])

        #expect(await child.exitStatus() == 0)
        withExtendedLifetime(pipe) {}
    }
}
