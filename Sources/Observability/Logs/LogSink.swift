#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where finished log lines go.
public struct LogSink: Sendable {
    private enum Way: Sendable {
        case writer(LogWriter)
        case own(@Sendable ([UInt8]) -> Void)
    }

    private let way: Way

    /// A sink of one's own.
    ///
    /// It gets whole lines with their line feed, from many threads at once.
    public init(_ writeLine: @escaping @Sendable ([UInt8]) -> Void) {
        way = .own(writeLine)
    }

    /// A file, pipe or terminal, written by a thread of its own.
    ///
    /// Nobody who logs waits for its reader: up to a megabyte waits for it, further lines are
    /// dropped and counted.
    public init(descriptor: Int32) {
        way = .writer(LogWriter(descriptor: descriptor))
    }

    init(_ writer: LogWriter) {
        way = .writer(writer)
    }

    /// The process's standard error.
    public static let standardError = LogSink(descriptor: STDERR_FILENO)
    /// The process's standard output.
    public static let standardOutput = LogSink(descriptor: STDOUT_FILENO)

    /// Lines that were dropped because nobody read the ones before, or never will.
    public var droppedLines: Int {
        switch way {
        case .writer(let writer): writer.dropped
        case .own: 0
        }
    }

    /// Blocks the thread until all lines so far are written, at most for that long.
    ///
    /// For the end of a process.
    ///
    /// - Returns: whether all are written.
    @discardableResult
    public func flush(within limit: Duration) -> Bool {
        switch way {
        case .writer(let writer): writer.flush(within: limit)
        case .own: true
        }
    }

    func write(_ line: [UInt8], _ format: LogFormat) {
        switch way {
        case .writer(let writer): writer.add(line, format)
        case .own(let writeLine): writeLine(line)
        }
    }
}
