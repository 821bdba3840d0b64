/// How many entries a stream has ever got, trimmed or not, as a part of a script.
///
///     1 2 3 … n ──────────────────────────▶ the last ID that there can be
///     entries added                         group `troupe:added` stands here, and says
///                                           of itself that it has read none of them
///
///     its lag = entries added − entries read = n, whatever was trimmed or deleted
///
/// `XINFO STREAM` says the number as well, but brings the first and the last entry whole: one of
/// 200 MB keeps Redis busy for two seconds. It is asked only where the lag says nothing: of a
/// stream without entries, for which newer servers say 0, and of one in whose last place an entry
/// was deleted.
///
/// The group is made by whoever counts first and shared by all: it holds nothing of theirs. One
/// that a person has moved is put back. Nobody reads through it, and whoever keeps what groups
/// have not read finds it at the end of all streams.
public enum EntriesAdded {
    /// Which no service can be called: a name has no colon.
    static let group = "troupe:added"

    /// Defines `entriesAdded(stream)`, a number: 0 for a stream that is not there.
    public static let script = """
        \(GroupFacts.script)
        local function entriesAdded(stream)
            if redis.call('EXISTS', stream) == 0 then return 0 end
            local last, facts = '\(StreamID.last)', group(stream, '\(group)')
            if not facts or fact(facts, 'last-delivered-id') ~= last
                or fact(facts, 'entries-read') ~= 0 then
                redis.pcall('XGROUP', facts and 'SETID' or 'CREATE', stream, '\(group)', last,
                    'ENTRIESREAD', 0)
                facts = group(stream, '\(group)')
            end
            local added = facts and fact(facts, 'lag')
            if added and added ~= 0 then return added end
            return fact(redis.call('XINFO', 'STREAM', stream), 'entries-added') or 0
        end
        """
}
