import Dispatch
import Synchronization
import Timekeeping

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes lines to a descriptor on a thread of its own, so that nobody who logs ever waits.
///
///     event loops ── copy ──► backlog, bounded ── swap ──► writer ── write(2) ──► reader
///
/// A reader that stands still costs lines once the backlog is full, and nothing else. A process
/// that is killed loses at most the backlog; one that ends calls ``flush(within:)``.
final class LogWriter: Sendable {
    /// Bytes that may wait; as much again may be on its way to the descriptor.
    static let byteLimit = 1024 * 1024

    private let descriptor: Int32
    private let backlog: Mutex<LogBacklog>
    private let queue: DispatchQueue

    init(descriptor: Int32, byteLimit: Int = LogWriter.byteLimit) {
        self.descriptor = descriptor
        backlog = Mutex(LogBacklog(byteLimit: byteLimit))
        queue = DispatchQueue(label: "troupe.log.\(descriptor)", qos: .userInitiated)
    }

    /// Lines that were not written.
    var dropped: Int { backlog.withLock { $0.dropped } }

    func add(_ line: [UInt8], _ format: LogFormat) {
        guard backlog.withLock({ $0.add(line, format) }) else { return }
        queue.async { self.drain() }
    }

    /// Waits until what has been logged is written, or the time is over.
    ///
    /// - Returns: whether it is written.
    func flush(within limit: Duration) -> Bool {
        // Behind every writer that has been called.
        let last = DispatchWorkItem {}
        queue.async(execute: last)
        return last.wait(timeout: .now() + .nanoseconds(Int(limit.nanoseconds))) == .success
    }

    private func drain() {
        var batch: [UInt8] = []
        while let gap = backlog.withLock({ $0.take(into: &batch) }) {
            if gap.lines > 0 { batch.append(contentsOf: LogLine.dropped(gap.lines, gap.format)) }
            let written = write(batch)
            guard written < batch.count else { continue }
            let lost = batch[written...].count { $0 == 0x0A }
            backlog.withLock { $0.lost(lost) }
        }
    }

    /// Writes all bytes, however long that takes, unless nobody will ever read them.
    ///
    /// - Returns: how many were written.
    private func write(_ bytes: [UInt8]) -> Int {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                systemWrite(descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent)
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                var readiness = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&readiness, 1, 1_000)
            } else if errno != EINTR {
                break
            }
        }
        return sent
    }
}

/// The system's `write`, which the method above would shadow.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
