/// Lines between those who log and the one who writes; pure.
///
///     open ── a line that does not fit ──► full ── the writer takes everything ──► open
///
/// While it is full nothing is accepted, so that lines keep their order and what is missing is
/// missing in one place: there, behind what the writer takes, the number of lines is told.
struct LogBacklog {
    /// Bytes of lines that may wait.
    let byteLimit: Int
    /// Lines that did not fit, since the start.
    private(set) var dropped = 0

    private var waiting: [UInt8] = []
    private var untold = 0
    private var format = LogFormat.logfmt
    private var hasWriter = false

    init(byteLimit: Int) {
        self.byteLimit = byteLimit
    }

    /// Takes a line in, or counts it.
    ///
    /// - Returns: whether a writer has to be called, because none is at work.
    mutating func add(_ line: [UInt8], _ format: LogFormat) -> Bool {
        if untold == 0, waiting.count + line.count <= byteLimit {
            waiting.append(contentsOf: line)
        } else {
            dropped += 1
            untold += 1
            self.format = format
        }
        defer { hasWriter = true }
        return !hasWriter
    }

    /// Lines that are missing behind what was taken.
    struct Gap: Equatable {
        var lines: Int
        /// How the line that tells of them has to look.
        var format: LogFormat
    }

    /// Hands everything that waits to the writer, whose old memory is used again.
    ///
    /// - Returns: the lines that are missing behind it; `nil` if nothing waits, and then the
    ///   writer is gone.
    mutating func take(into batch: inout [UInt8]) -> Gap? {
        batch.removeAll(keepingCapacity: true)
        guard !waiting.isEmpty || untold > 0 else {
            hasWriter = false
            return nil
        }
        swap(&waiting, &batch)
        defer { untold = 0 }
        return Gap(lines: untold, format: format)
    }

    /// Counts lines that were taken and could not be written.
    mutating func lost(_ lines: Int) {
        dropped += lines
    }
}
