/// What Redis tells of a stream's consumer groups, as a part of scripts.
enum GroupFacts {
    /// Defines `fact(facts, name)`, a value in a list of names and values, and
    /// `group(stream, name)`, such a list; nil for what is not there.
    static let script = """
        local function fact(facts, name)
            for place = 1, #facts, 2 do
                if facts[place] == name then return facts[place + 1] end
            end
        end
        local function group(stream, name)
            for _, facts in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
                if fact(facts, 'name') == name then return facts end
            end
        end
        """
}
