import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where finished log lines go.
public struct LogSink: Sendable {
    private let writeLine: @Sendable ([UInt8]) -> Void

    /// A sink of one's own.
    ///
    /// It gets whole lines with their line feed, from many threads at once.
    public init(_ writeLine: @escaping @Sendable ([UInt8]) -> Void) {
        self.writeLine = writeLine
    }

    /// The process's standard error.
    public static let standardError = LogSink(descriptor: STDERR_FILENO)
    /// The process's standard output.
    public static let standardOutput = LogSink(descriptor: STDOUT_FILENO)

    func write(_ line: [UInt8]) {
        writeLine(line)
    }

    /// One `write` per line; the lock keeps the halves of a torn write together.
    init(descriptor: Int32) {
        let lock = LineLock()
        self.init { line in
            lock.whole { Self.write(line, to: descriptor) }
        }
    }

    private final class LineLock: Sendable {
        private let mutex = Mutex(())
        func whole(_ body: () -> Void) { mutex.withLock { _ in body() } }
    }

    /// A reader that does not read may cost the line, never the process.
    private static func write(_ line: [UInt8], to descriptor: Int32) {
        var sent = 0
        var attempts = 0
        while sent < line.count, attempts < 16 {
            let count = line.withUnsafeBytes { bytes in
                #if canImport(Glibc)
                    Glibc.write(
                        descriptor, bytes.baseAddress?.advanced(by: sent), line.count - sent)
                #elseif canImport(Musl)
                    Musl.write(descriptor, bytes.baseAddress?.advanced(by: sent), line.count - sent)
                #else
                    Darwin.write(
                        descriptor, bytes.baseAddress?.advanced(by: sent), line.count - sent)
                #endif
            }
            if count > 0 {
                sent += count
            } else {
                guard errno == EINTR || errno == EAGAIN else { return }
                attempts += 1
            }
        }
    }
}
