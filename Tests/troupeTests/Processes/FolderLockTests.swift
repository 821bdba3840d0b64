import Foundation
import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(3)))
struct FolderLockTests {
    @Test func oneAtATime() throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "troupe-lock-\(UUID().uuidString)").path
        try DataFolder.create(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }

        var first = try FolderLock(folder: folder)
        #expect(first != nil)
        #expect(try FolderLock(folder: folder) == nil)

        first = nil
        #expect(try FolderLock(folder: folder) != nil)
    }

    @Test func folderThatCannotBeWrittenIsAnError() {
        #expect(throws: CommandFailure.self) { try FolderLock(folder: "/no/such/folder") }
    }
}
