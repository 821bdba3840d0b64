import Foundation
import ServiceHTTP
import Testing

@testable import SandboxService

@Suite(.timeLimit(.minutes(1)))
struct JournalTests {
    private func text(_ path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
    }

    @Test func aLineIsOnTheDiskWhenItIsSaidToBe() async throws {
        try await withTemporaryPath { path in
            let journal = Journal(try JournalFile(path: path), lines: 0)
            try journal.append(Array("one\n".utf8))
            try await journal.durable(1)
            #expect(try text(path) == "one\n")
            try journal.append(Array("two\n".utf8))
            try await journal.durable(2)
            #expect(try text(path) == "one\ntwo\n")
        }
    }

    @Test func manyWritersKeepTheirLinesWhole() async throws {
        try await withTemporaryPath { path in
            let journal = Journal(try JournalFile(path: path), lines: 0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 1...500 {
                    group.addTask {
                        try journal.append(Array("line \(index)\n".utf8))
                        try await journal.durable(1)
                    }
                }
                try await group.waitForAll()
            }
            try await journal.durable(500)

            let lines = try text(path).split(separator: "\n")
            #expect(lines.count == 500)
            #expect(Set(lines).count == 500)
        }
    }

    #if os(Linux)
        @Test func aFullDiskIsSaidToEveryWaiterAndEndsTheJournal() async throws {
            let journal = Journal(try JournalFile(path: "/dev/full"), lines: 0)
            try journal.append(Array("lost\n".utf8))
            let error = await #expect(throws: SandboxError.self) { try await journal.durable(1) }
            #expect(error?.code == .writeFailed)
            #expect(!journal.isHealthy)
            #expect(throws: SandboxError.self) { try journal.append(Array("more\n".utf8)) }
        }
    #endif

    @Test func aFileHasOneWriter() async throws {
        try await withTemporaryPath { path in
            let first = Journal(try JournalFile(path: path), lines: 0)
            let error = #expect(throws: SandboxError.self) {
                _ = try JournalFile(path: path)
            }
            #expect(error?.code == .fileInUse)
            try await first.durable(0)
        }
    }

    /// A descriptor that is closed twice may be somebody else's the second time.
    @Test func whoIsRefusedTheFileClosesNobodyElses() async throws {
        try await withTemporaryPath { path in
            let first = Journal(try JournalFile(path: path), lines: 0)
            async let refusals: Void = {
                for _ in 0..<3000 {
                    #expect(throws: SandboxError.self) { _ = try JournalFile(path: path) }
                }
            }()
            for _ in 0..<3000 {
                let pipes = (0..<8).map { _ in Pipe() }
                let closed = pipes.filter {
                    fcntl($0.fileHandleForReading.fileDescriptor, F_GETFD) < 0
                }
                #expect(closed.isEmpty)
                for pipe in pipes {
                    try pipe.fileHandleForReading.close()
                    try pipe.fileHandleForWriting.close()
                }
            }
            await refusals
            try await first.durable(0)
        }
    }

    @Test func aFolderThatIsMissingIsSaid() throws {
        let error = #expect(throws: SandboxError.self) {
            _ = try JournalFile(path: "/nowhere/books.jsonl")
        }
        #expect(error?.code == .fileUnusable)
    }

    @Test(arguments: ["{\"number\":3,\"ti", "garbage", "garbage\n", "\u{0}\u{0}\u{0}"])
    func aTornLastLineIsCutOff(torn: String) async throws {
        try await withTemporaryPath { path in
            try await write(2, to: path)
            let sound = try text(path)
            try (sound + torn).write(toFile: path, atomically: false, encoding: .utf8)

            let again = try Sandbox(path: path, logger: .silent)
            #expect(again.read { $0.entries.count } == 2)
            #expect(try text(path) == sound)
            _ = try await again.submit(BooksTests.charge(.visa), key: "new")
            #expect(try text(path).hasPrefix(sound + "{\"number\":3,"))
        }
    }

    @Test func aCorruptLineInTheMiddleIsNotSkipped() async throws {
        try await withTemporaryPath { path in
            try await write(3, to: path)
            var lines = try text(path).split(separator: "\n").map(String.init)
            lines[1] = "{}"
            try (lines.joined(separator: "\n") + "\n")
                .write(toFile: path, atomically: false, encoding: .utf8)

            let error = #expect(throws: SandboxError.self) {
                _ = try Sandbox(path: path, logger: .silent)
            }
            #expect(error?.code == .fileCorrupt)
            #expect(error?.message.hasPrefix("line 2 of") == true)
        }
    }

    private func write(_ count: Int, to path: String) async throws {
        let sandbox = try Sandbox(path: path, logger: .silent)
        for index in 0..<count {
            _ = try await sandbox.submit(BooksTests.charge(.visa), key: "k\(index)")
        }
    }
}
