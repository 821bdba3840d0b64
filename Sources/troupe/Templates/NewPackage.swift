#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A package that is to be made in a folder where nothing is yet.
struct NewPackage {
    let name: String
    /// As it was given.
    let folder: String

    /// Names that would collide with those of packages that it depends on.
    private static let taken: Set = ["troupe", "swift-log", "swift-service-lifecycle"]

    /// Understands `name` or `path/name`.
    init(at path: String) throws(CommandFailure) {
        let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        let name = folder.split(separator: "/").last.map(String.init) ?? ""
        guard Self.isName(name) else {
            throw CommandFailure(
                .usage,
                "“\(name.prefix(80))” is not a name of a package: it has to begin with a letter, "
                    + "and may hold 64 letters, digits, dashes and _",
                remedy: "troupe init trips")
        }
        guard !Self.taken.contains(name.lowercased()) else {
            throw CommandFailure(
                .usage, "“\(name)” is the name of a package that the new one would depend on",
                remedy: "troupe init trips")
        }
        self.name = name
        self.folder = folder
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLetter(first), text.utf8.count <= 64 else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            isLetter(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "_")
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

    /// Throws unless the folder is missing, or empty.
    func expectRoom() throws(CommandFailure) {
        guard FileManager.default.fileExists(atPath: folder) else { return }
        let remedy = "troupe init \(folder)-2, or move what is there away"
        guard FileManager.default.fileExists(atPath: folder + "/.") else {
            throw CommandFailure(.failure, "\(folder) is there and no folder", remedy: remedy)
        }
        let content: [String]
        do {
            content = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw CommandFailure(
                .failure, "the folder \(folder) cannot be read",
                remedy: "name one that is yours, as troupe init ~/\(name)")
        }
        guard content.isEmpty else {
            throw CommandFailure(
                .failure, "the folder \(folder) is not empty: nothing was written",
                remedy: remedy)
        }
    }

    /// Writes files, and the folders in which they stand.
    func write(_ files: [(path: String, text: String)]) throws(CommandFailure) {
        for (path, text) in files {
            let full = "\(folder)/\(path)"
            let parent = full.split(separator: "/", omittingEmptySubsequences: false)
                .dropLast().joined(separator: "/")
            do {
                try FileManager.default.createDirectory(
                    atPath: parent, withIntermediateDirectories: true)
                try Data(text.utf8).write(to: URL(filePath: full), options: .withoutOverwriting)
            } catch {
                throw CommandFailure(
                    .failure, "cannot write \(full)",
                    remedy: "make room, or name a folder you may write to, as "
                        + "troupe init ~/\(name)")
            }
        }
    }
}
