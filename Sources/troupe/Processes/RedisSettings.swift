/// What the redis-server that `up` starts is told.
///
/// The same as `deploy/redis.conf`, where each line has its reason; a test compares them.
enum RedisSettings {
    static let lines = [
        "bind 127.0.0.1",
        "protected-mode yes",
        "appendonly yes",
        "appendfsync everysec",
        "aof-use-rdb-preamble yes",
        "save \"\"",
        "maxmemory-policy noeviction",
        "stream-node-max-bytes 8192",
        "stream-node-max-entries 200",
    ]

    /// As arguments: `--bind 127.0.0.1 …`, plus what belongs to this run.
    static func arguments(port: Int, folder: String, logFile: String) -> [String] {
        let fixed = lines.flatMap { line -> [String] in
            let words = line.split(separator: " ").map(String.init)
            return ["--\(words[0])"] + words.dropFirst().map { $0 == "\"\"" ? "" : $0 }
        }
        return fixed + [
            "--port", String(port), "--dir", folder, "--pidfile", "\(folder)/redis.pid",
            "--logfile", logFile, "--daemonize", "no",
        ]
    }
}
