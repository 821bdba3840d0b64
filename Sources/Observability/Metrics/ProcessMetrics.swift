import Timekeeping

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension PrometheusRegistry {
    /// Adds what Prometheus expects to know of every process: CPU time, memory, start.
    ///
    /// Memory in use is read from `/proc` and left out where that does not exist.
    public func addProcessMetrics() {
        let started = Double(Timestamp.now().milliseconds) / 1000
        gauge("process_start_time_seconds", help: "When the process started, in Unix time.") {
            started
        }
        counter("process_cpu_seconds", help: "User and system CPU time used, in seconds.") {
            var usage = rusage()
            getrusage(Self.ownUsage, &usage)
            return Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime)
        }
        counter("log_lines_dropped_total", help: "Log lines that standard error did not take.") {
            Double(LogSink.standardError.droppedLines)
        }
        #if os(Linux)
            gauge("process_resident_memory_bytes", help: "Memory in use, in bytes.") {
                Self.residentBytes()
            }
        #endif
    }

    // The headers differ in the type of this constant; its value is 0 everywhere.
    #if canImport(Glibc)
        private static let ownUsage = __rusage_who_t(RUSAGE_SELF.rawValue)
    #else
        private static let ownUsage = RUSAGE_SELF
    #endif

    private static func seconds(_ time: timeval) -> Double {
        Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000
    }

    #if os(Linux)
        private static func residentBytes() -> Double? {
            let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return nil }
            defer { close(file) }
            let text = [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
                count = max(0, read(file, buffer.baseAddress, buffer.count))
            }
            let fields = text.split(separator: 0x20)
            guard fields.count > 1, let pages = Double(String(decoding: fields[1], as: UTF8.self))
            else { return nil }
            return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
        }
    #endif
}
