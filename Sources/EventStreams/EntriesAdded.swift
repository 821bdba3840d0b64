/// How many entries a stream has ever got, trimmed or not, as a part of a script.
public enum EntriesAdded {
    /// Defines `entriesAdded(stream)`, a number: 0 for a stream that is not there.
    public static let script = """
        local function entriesAdded(stream)
            if redis.call('EXISTS', stream) == 0 then return 0 end
            local facts = redis.call('XINFO', 'STREAM', stream)
            for place = 1, #facts, 2 do
                if facts[place] == 'entries-added' then return facts[place + 1] end
            end
            return 0
        end
        """
}
