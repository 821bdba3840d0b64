/// How many entries a stream has ever got, trimmed or not, as a part of a script.
///
///     entries added ─┬─ read by a group: entries-read ─┬─ still to come for it: lag ─┐
///                    1                                 k                             n
///
/// Any group that knows how many it has read knows the sum, and says it without a look at an
/// entry. `XINFO STREAM` says it as well, but brings the first and the last entry whole: one of
/// 200 MB keeps Redis busy for two seconds. It is asked only of a stream of which no group knows:
/// none has read anything, or entries were deleted in front of all.
///
/// Where a person has deleted entries, or has moved a group by hand, a group may miscount by those:
/// the largest sum counts, as who waits for the events behind a number must not miss any.
public enum EntriesAdded {
    /// Defines `entriesAdded(stream)`, a number: 0 for a stream that is not there.
    public static let script = """
        \(GroupFacts.script)
        local function entriesAdded(stream)
            if redis.call('EXISTS', stream) == 0 then return 0 end
            local most
            for _, facts in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
                local read, lag = fact(facts, 'entries-read'), fact(facts, 'lag')
                if read and lag and (not most or read + lag > most) then most = read + lag end
            end
            return most or fact(redis.call('XINFO', 'STREAM', stream), 'entries-added') or 0
        end
        """
}
