import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Standard output or error, line by line.
///
/// Each line is written at once, also into a pipe, and the caller waits until the reader has
/// taken it: a slow reader slows us down instead of filling our memory. The wait blocks a
/// private thread only. Last words are not worth a process that never ends: errors are given up
/// when nobody takes them for two seconds.
struct LineOutput: Sendable {
    static let standard = LineOutput(descriptor: 1)
    static let errors = LineOutput(descriptor: 2, patience: .seconds(2))

    private let descriptor: Int32
    private let patience: Duration?
    private let queue: DispatchQueue

    init(descriptor: Int32, patience: Duration? = nil) {
        self.descriptor = descriptor
        self.patience = patience
        queue = DispatchQueue(label: "troupe.output.\(descriptor)")
    }

    /// Whether a person reads it.
    var isTerminal: Bool { isatty(descriptor) == 1 }

    /// Writes the text and a newline.
    ///
    /// Returns false when nobody reads any more.
    @discardableResult
    func line(_ text: String = "") async -> Bool { await fault(of: text) == nil }

    /// Writes a line that somebody wants to have.
    ///
    /// - Throws: a failure if it could not be written; nothing if who asked for it has gone.
    func result(_ text: String) async throws(CommandFailure) {
        guard let fault = await fault(of: text), fault != EPIPE else { return }
        throw CommandFailure(
            .failure, "the result cannot be written: \(String(cString: strerror(fault)))")
    }

    /// The system's error number; nil if the line was written.
    private func fault(of text: String) async -> Int32? {
        let bytes = Array((text + "\n").utf8)
        return await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: write(bytes)) }
        }
    }

    private func write(_ bytes: [UInt8]) -> Int32? {
        var offset = 0
        while offset < bytes.count {
            guard becomesWritable() else { return ETIMEDOUT }
            // What a pipe takes at once when it takes anything.
            let end = patience == nil ? bytes.count : min(offset + 4096, bytes.count)
            let count = bytes[offset..<end].withUnsafeBytes {
                systemWrite(descriptor, $0.baseAddress, $0.count)
            }
            if count > 0 {
                offset += count
            } else if errno == EAGAIN {
                _ = isWritable(within: 1_000)
            } else if errno != EINTR {
                return errno
            }
        }
        return nil
    }

    private func becomesWritable() -> Bool {
        guard let patience else { return true }
        return isWritable(within: Int32(patience / .milliseconds(1)))
    }

    /// Also true for an error, which the next write finds.
    private func isWritable(within milliseconds: Int32) -> Bool {
        var readiness = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&readiness, 1, milliseconds) != 0
    }
}

/// The system's `write`, which the method above would shadow.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
