#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Makes sure that one `troupe up` at a time uses a data folder.
///
/// The system gives the lock back when its process ends, however it ends, so a lock never
/// survives a `kill -9`. Children do not inherit it.
final class FolderLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock; nil when another process holds it.
    init?(folder: String) throws(CommandFailure) {
        let path = "\(folder)/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw CommandFailure(
                .failure, "cannot write \(path): \(String(cString: strerror(errno)))",
                remedy: "start in a folder you may write to, or pass --data-folder")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
