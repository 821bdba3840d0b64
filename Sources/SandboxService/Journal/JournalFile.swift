#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An append-only file of lines, for one process at a time.
///
/// Every call blocks on the disk: call it from a thread that may.
struct JournalFile: ~Copyable {
    private let descriptor: Int32

    /// Opens or creates the file and locks it.
    init(path: String) throws(SandboxError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SandboxError(.fileUnusable, "cannot open \(path): \(Self.reason())")
        }
        // What throws from here on is closed by `deinit`, as everything is set. Closed twice, the
        // number could be somebody else's by then.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw SandboxError(
                .fileInUse, "another sandbox writes its books to \(path), and only one can")
        }
        Self.syncFolder(of: path)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// The whole content.
    ///
    /// Leaves the end of the file as the place where appending goes on.
    func readAll() throws(SandboxError) -> [UInt8] {
        var content: [UInt8] = []
        while true {
            let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
            }
            if chunk.isEmpty { return content }
            content.append(contentsOf: chunk)
        }
    }

    /// Cuts the file down to its first bytes.
    func truncate(to size: Int) throws(SandboxError) {
        guard ftruncate(descriptor, off_t(size)) == 0, lseek(descriptor, 0, SEEK_END) >= 0,
            synced()
        else { throw SandboxError(.fileUnusable, "cannot cut the file: \(Self.reason())") }
    }

    /// Appends the bytes and waits until they are on the disk.
    func append(_ bytes: [UInt8]) throws(SandboxError) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                write(descriptor, buffer.baseAddress?.advanced(by: sent), bytes.count - sent)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw SandboxError(.writeFailed, "cannot write: \(Self.reason())")
            }
            sent += count
        }
        guard synced() else { throw SandboxError(.writeFailed, "cannot sync: \(Self.reason())") }
    }

    private func synced() -> Bool {
        #if os(Linux)
            fdatasync(descriptor) == 0
        #else
            fcntl(descriptor, F_FULLFSYNC) == 0 || fsync(descriptor) == 0
        #endif
    }

    /// A new file's name is only safe once its folder is.
    private static func syncFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func reason() -> String {
        String(cString: strerror(errno))
    }
}
