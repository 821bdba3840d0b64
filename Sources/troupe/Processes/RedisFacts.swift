import TroupeRedis

/// What a Redis says about itself, as far as `up` and `doctor` need it.
struct RedisFacts: Sendable {
    var version = ""
    var processID = 0
    var isAppendOnly = false
    var isReplica = false
    var evictionPolicy = ""
    var maximumMemory = 0
    var usedMemory = 0
    /// False when its last write to the append-only file or its last snapshot failed.
    var canSave = true
    var appendFsync = ""
    var snapshots = ""
    /// Server clock minus ours, with the round trip taken out; nil when the user may not ask.
    var clockDifference: Duration? = .zero
    /// False when the user may not run CONFIG.
    var mayReadConfiguration = true
    /// False when the user may not run INFO; then little of the above is known.
    var mayReadInfo = true

    /// The text of `INFO`: `name:value` lines under `# Section` headings.
    static func fields(ofInfo text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[String(line[..<colon])] = String(line[line.index(after: colon)...])
        }
        return fields
    }

    mutating func take(info text: String) {
        let fields = Self.fields(ofInfo: text)
        version = fields["redis_version"] ?? ""
        processID = fields["process_id"].flatMap { Int($0) } ?? 0
        isAppendOnly = fields["aof_enabled"] == "1"
        isReplica = fields["role"] == "slave"
        evictionPolicy = fields["maxmemory_policy"] ?? ""
        usedMemory = fields["used_memory"].flatMap { Int($0) } ?? 0
        canSave =
            fields["aof_last_write_status"] != "err" && fields["rdb_last_bgsave_status"] != "err"
        maximumMemory = fields["maxmemory"].flatMap { Int($0) } ?? 0
    }
}
