import NIOCore

// `run_id` is new with every start of the process, `master_replid` with every change of role. One
// alone does not do: a server that follows another for a moment and leads again keeps its run and
// has the other's data.

/// Whose data a node holds, as far as it can be told from outside.
///
/// Numbers read under one identity say nothing under another. It may change on a healthy server,
/// and FLUSHALL does not change it: a new one calls for a second look and proves nothing.
package struct ServerIdentity: Hashable, Sendable {
    /// The start of the process.
    package var runID: String
    /// The history of the data that it holds or follows.
    package var replicationID: String

    /// An identity of its two parts.
    package init(runID: String, replicationID: String) {
        self.runID = runID
        self.replicationID = replicationID
    }

    /// What to send to be told it.
    package static var question: RedisCommand { .info("server", "replication") }

    /// The identity in a reply to the question; nil if it is not there.
    package init?(_ reply: RedisValue) {
        guard let bytes = reply.buffer?.readableBytesView,
            let runID = ServerIdentity.value(of: "run_id:", in: bytes),
            let replicationID = ServerIdentity.value(of: "master_replid:", in: bytes)
        else { return nil }
        self.init(runID: runID, replicationID: replicationID)
    }

    /// Whether the reply to the question is that of a server that follows another.
    static func isReplica(_ reply: RedisValue) -> Bool {
        guard let bytes = reply.buffer?.readableBytesView else { return false }
        return value(of: "role:", in: bytes) == "slave"
    }

    /// Without a dictionary of all that `INFO` tells: it is asked for with every look.
    private static func value(of label: StaticString, in bytes: ByteBufferView) -> String? {
        let name = UnsafeBufferPointer(start: label.utf8Start, count: label.utf8CodeUnitCount)
        var line = bytes.startIndex
        while line < bytes.endIndex {
            let end = bytes[line...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
            if bytes[line..<end].starts(with: name) {
                let value = bytes[(line + name.count)..<end].prefix { $0 > UInt8(ascii: " ") }
                return value.isEmpty ? nil : String(decoding: value, as: UTF8.self)
            }
            line = end == bytes.endIndex ? end : bytes.index(after: end)
        }
        return nil
    }
}
