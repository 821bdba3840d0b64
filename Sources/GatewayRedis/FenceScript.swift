import EventStreams
import TroupeRedis

/// Tells in one step how many entries some streams have got, behind all messages up to then.
///
/// KEYS: the streams, all kept by one node. ARGV: the gateway's own channel, what the message
/// begins with. The numbers and the place of the message among the others are of the same
/// moment, so whoever has heard it can compare them with the messages heard: not one more or
/// less.
///
/// It declares what it may do, and not that it only reads: so a server that is not a primary
/// refuses it, although each of its commands would be answered there. Nothing changes on such a
/// server, so its fences would say for ever that nothing was missed.
enum FenceScript {
    static let script = RedisScript(
        """
        #!lua flags=allow-oom
        \(EntriesAdded.script)
        local message = {ARGV[2]}
        for number, stream in ipairs(KEYS) do
            message[number + 1] = string.format('%.0f', entriesAdded(stream))
        end
        return redis.call('PUBLISH', ARGV[1], table.concat(message, ' '))
        """)
}
