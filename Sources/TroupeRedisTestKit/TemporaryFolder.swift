#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Folders under `TMPDIR`.
enum TemporaryFolder {
    static func make() throws -> String {
        let parent = environment("TMPDIR") ?? "/tmp"
        // mkdtemp(3) fills in the six characters at the end.
        let name = "/redis-test." + String(repeating: "X", count: 6)
        var template = Array((parent + name).utf8CString)
        guard mkdtemp(&template) != nil else {
            throw RedisServer.Failure(description: "cannot make a folder in \(parent)")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The last lines of a file.
    static func tail(of path: String) -> String {
        guard let file = fopen(path, "r") else { return "(no log)" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count).suffix(2000), as: UTF8.self)
    }

    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}

/// Finds programs as a shell does.
enum ProgramSearch {
    static func path(of program: String) -> String? {
        let folders = (TemporaryFolder.environment("PATH") ?? "").split(separator: ":")
        let usual = ["/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"]
        return (folders.map(String.init) + usual).map { $0 + "/" + program }
            .first { access($0, X_OK) == 0 }
    }
}
