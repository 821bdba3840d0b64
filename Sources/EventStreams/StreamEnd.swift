public import TroupeRedis

/// Where a stream ends, or begins, without its entries.
///
///     XGROUP CREATE … $ ─▶ XINFO GROUPS: last-delivered-id = the last ID ever given
///     XGROUP DESTROY ◀──────────────────┘
///
/// What reads an entry brings it whole, and it may have hundreds of megabytes. A group that is
/// made at a stream's end stands at its last ID, and is gone before the script is: no one else
/// ever sees it. It would hold the stream's trimming for ever if it stayed; so nothing is made
/// before it is known that it may be looked at and taken away again.
public enum StreamEnd {
    /// Which no service can be called: a name has no colon.
    private static let group = "troupe:end"

    /// Defines `atEnd(stream, look)`: what `look` answers of the last ID, with such a group there;
    /// and `needs(command …)`, an error if this user may not run that.
    private static let definitions = """
        \(GroupFacts.script)
        local function needs(...)
            if not redis.acl_check_cmd(...) then
                local words = table.concat({...}, ' ')
                error(redis.error_reply('NOPERM this user may not run ' .. words))
            end
        end
        local function atEnd(stream, look)
            needs('XGROUP', 'CREATE', stream, '\(group)', '$')
            needs('XGROUP', 'DESTROY', stream, '\(group)')
            local made = redis.pcall('XGROUP', 'CREATE', stream, '\(group)', '$')
            if made.err then redis.call('XGROUP', 'SETID', stream, '\(group)', '$') end
            local found = look(fact(group(stream, '\(group)'), 'last-delivered-id'))
            redis.call('XGROUP', 'DESTROY', stream, '\(group)')
            return found
        end
        """

    /// The last ID that each stream has given, which its entry may have outlived.
    ///
    /// KEYS: streams. ARGV: a group that may be there; where it has nothing left to read, it stands
    /// at the end, and nothing has to be made. Answers IDs, nil for a stream that is not there.
    public static let lastIDs = RedisScript(
        """
        #!lua flags=allow-oom
        \(definitions)
        local ends = {}
        for number, stream in ipairs(KEYS) do
            ends[number] = false
            if redis.call('EXISTS', stream) == 1 then
                local reader = group(stream, ARGV[1])
                if reader and fact(reader, 'lag') == 0 then
                    ends[number] = fact(reader, 'last-delivered-id')
                else
                    ends[number] = atEnd(stream, function(id) return id end)
                end
            end
        end
        return ends
        """)

    /// The ID of a stream's first entry between two places; nil if there is none.
    ///
    /// That entry is looked at inside of Redis: there is no other way to it.
    ///
    /// KEYS: stream. ARGV: from where, to where, as for `XRANGE`.
    public static let firstEntry = RedisScript(
        """
        #!lua flags=no-writes
        local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', 1)[1]
        return entry and entry[1] or false
        """)
}
