import Foundation
import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(1)))
struct NewPackageTests {
    /// A folder of its own for each test, gone when that is over.
    private final class Folder {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "troupe-init-\(UUID().uuidString)").path

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func content() -> [String] {
            let all = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String }
            return (all ?? []).sorted()
        }
    }

    @Test func aNameIsALetterAndWhatMayFollow() throws {
        #expect(try NewPackage(at: "trips").name == "trips")
        #expect(try NewPackage(at: "../work/my-Trips_2/").name == "my-Trips_2")
        #expect(try NewPackage(at: "/tmp/trips").folder == "/tmp/trips")
    }

    @Test(arguments: ["", "/", "2trips", "my trips", "a/..", "trips!", "träume", "Troupe"])
    func whatIsNoNameIsRefusedWithANextStep(_ text: String) throws {
        let failure = #expect(throws: CommandFailure.self) { try NewPackage(at: text) }
        #expect(failure?.code == .usage)
        #expect(failure?.remedy == "troupe init trips")
    }

    @Test func allFilesAreWrittenToAFolderThatIsNotThere() throws {
        let folder = Folder()
        let package = try NewPackage(at: folder.path + "/work/trips")
        try package.expectRoom()
        let files = PackageTemplate(name: package.name, source: .checkout("/src")).files

        try package.write(files)

        for (path, text) in files {
            let written = try String(
                contentsOfFile: "\(folder.path)/work/trips/\(path)", encoding: .utf8)
            #expect(written == text)
        }
    }

    @Test func anEmptyFolderIsRoomAndAnyOtherIsLeftAlone() throws {
        let folder = Folder()
        let package = try NewPackage(at: folder.path + "/trips")
        try FileManager.default.createDirectory(
            atPath: folder.path + "/trips", withIntermediateDirectories: true)
        try package.expectRoom()

        try Data().write(to: URL(filePath: folder.path + "/trips/.hidden"))
        let failure = #expect(throws: CommandFailure.self) { try package.expectRoom() }
        #expect(failure?.code == .failure)
        #expect(failure?.message.contains("is not empty") == true)
        #expect(failure?.remedy != nil)
        #expect(folder.content() == ["trips", "trips/.hidden"])
    }

    @Test func aFileInItsPlaceIsLeftAlone() throws {
        let folder = Folder()
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: URL(filePath: folder.path + "/trips"))
        let package = try NewPackage(at: folder.path + "/trips")

        #expect(throws: CommandFailure.self) { try package.expectRoom() }
        #expect(throws: CommandFailure.self) { try package.write([("a", "b")]) }
        #expect(
            try String(contentsOfFile: folder.path + "/trips", encoding: .utf8) == "mine")
    }
}
