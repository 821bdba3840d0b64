import Foundation
import Testing

@testable import troupe

/// A result that could not be written is none.
@Suite(.timeLimit(.minutes(1)))
struct LineOutputTests {
    #if os(Linux)
        @Test func aFullDiskIsAFailure() async throws {
            let descriptor = Foundation.open("/dev/full", O_WRONLY)
            try #require(descriptor >= 0)
            defer { Foundation.close(descriptor) }

            let failure = await #expect(throws: CommandFailure.self) {
                try await LineOutput(descriptor: descriptor).result("no faults")
            }

            #expect(failure?.code == .failure)
            #expect(failure?.message.contains("No space left") == true)
        }
    #endif

    @Test func aReaderWhoHasGoneIsNone() async throws {
        signal(SIGPIPE, SIG_IGN)
        let pipe = Pipe()
        try pipe.fileHandleForReading.close()

        try await LineOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor).result("a")
    }
}
