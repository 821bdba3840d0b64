import Foundation
import Testing

/// Who lacks a system package is told its name first.
@Suite(.timeLimit(.minutes(1)))
struct MissingPackageTests {
    /// The compiler that builds C for Swift: beside `swift`, or elsewhere in the path.
    private static let clang: String? = {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return path.split(separator: ":").map { "\($0)/clang" }
            .first(where: FileManager.default.isExecutableFile)
    }()

    /// What the compiler says of a file when it finds no headers but its own.
    private static func complaints(_ file: String, _ clang: String) throws -> [Substring] {
        let compiler = Process()
        let output = Pipe()
        compiler.executableURL = URL(filePath: clang)
        compiler.arguments = [
            "-fsyntax-only", "-ffreestanding", "-nostdlibinc", "-x", "c",
            "-I", Repository.root.appending(path: "Sources/CReplyTape/include").path,
            Repository.root.appending(path: file).path,
        ]
        // Others could name folders with headers.
        compiler.environment = [:]
        compiler.standardError = output
        try compiler.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        compiler.waitUntilExit()
        return text.split(separator: "\n").filter { $0.contains("error: ") }
    }

    @Test(
        .enabled(if: clang != nil, "no clang in PATH"),
        arguments: ["Sources/CHiredis/shim.h", "Sources/CReplyTape/CReplyTape.c"])
    func withoutHiredisTheFirstWordsNameThePackage(_ file: String) throws {
        let clang = try #require(Self.clang)
        let complaints = try Self.complaints(file, clang)
        let first = try #require(complaints.first)

        #expect(first.contains("apt-get install libhiredis-dev"), "\(first)")
        #expect(first.contains("brew install hiredis"), "\(first)")
    }
}
