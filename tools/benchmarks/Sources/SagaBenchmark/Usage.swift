import TroupeRedis

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Processor time used so far, in seconds: a steadier measure than the clock on the wall.
struct Usage {
    private let server: Double
    private let process: Double

    init(_ redis: RedisClient) async throws {
        let text = try await redis.send(RedisCommand("INFO", ["cpu"])).string ?? ""
        var server = 0.0
        for line in text.split(separator: "\r\n") {
            let fields = line.split(separator: ":")
            if ["used_cpu_sys", "used_cpu_user"].contains(fields[0]), fields.count == 2 {
                server += Double(fields[1]) ?? 0
            }
        }
        self.server = server
        process = Double(clock()) / Double(CLOCKS_PER_SEC)
    }

    /// What share of a processor was used since then, over some time.
    func share(since before: Usage, over time: Duration) -> (server: Double, process: Double) {
        let seconds = max(time.seconds, 0.01)
        return ((server - before.server) / seconds, (process - before.process) / seconds)
    }

    func print(since before: Usage, sagas: Int) {
        func each(_ seconds: Double) -> Double { (seconds * 1e6 / Double(sagas)).rounded2 }
        Swift.print(
            "  processor time    redis-server \(each(server - before.server)) µs a saga, "
                + "this process \(each(process - before.process)) µs a saga")
    }
}
