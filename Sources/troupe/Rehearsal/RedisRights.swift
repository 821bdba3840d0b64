import TroupeRedis

/// Finds out what a user of Redis may not do, without doing it.
///
///     role ──▶ arguments ──▶ script: redis.acl_check_cmd(…) ──▶ answers ──▶ Missing ──▶ rule
///
/// Redis tells a script whether its user may run a command with these arguments, and nothing is
/// run: so the right to publish is asked without a message. It tells yes or no, not what is
/// missing. But commands, keys and channels are rights of their own: a key is missing if no
/// command is allowed on it, a command if it is refused on a key that is not missing.
struct RedisRights: Sendable {
    /// What a user lacks, and the rule that gives it.
    struct Missing: Equatable, Sendable {
        var commands: [String] = []
        var keys: [String] = []
        var channels: [String] = []
        /// Renamed or removed by the server's configuration; no rule brings them back.
        var unknown: [String] = []
        /// Rules that may be missing too: nothing can be said while the above is.
        var unjudged: [String] = []

        var isEmpty: Bool {
            commands.isEmpty && keys.isEmpty && channels.isEmpty && unknown.isEmpty
        }

        /// What `ACL SETUSER` has to be told; what the user has already does no harm.
        var rules: [String] {
            let grants = RedisRole.grants(commands + unjudged)
            return grants + keys.map { "~" + $0 } + channels.map { "&" + $0 }
        }
    }

    /// As the script answers.
    private enum Answer: Int { case allowed, refused, unknown }

    let role: RedisRole

    static let script = RedisScript(
        """
        local function answer(words)
          local isKnown, isAllowed = pcall(redis.acl_check_cmd, unpack(words))
          return isKnown and (isAllowed and 0 or 1) or 2
        end
        local places, at = {KEY = {}, CHANNEL = {}}, 3
        for _, kind in ipairs({'KEY', 'CHANNEL'}) do
          for number = 1, tonumber(ARGV[kind == 'KEY' and 1 or 2]) do
            places[kind][number] = ARGV[at]
            at = at + 1
          end
        end
        local answers = {}
        for command = at, #ARGV do
          local words, slot, names = {}, nil, {false}
          for word in string.gmatch(ARGV[command], '%S+') do
            words[#words + 1] = word
            if places[word] then slot, names = #words, places[word] end
          end
          for _, name in ipairs(names) do
            if slot then words[slot] = name end
            answers[#answers + 1] = answer(words)
          end
        end
        return answers
        """)

    var arguments: [RedisArgument] {
        [.integer(role.keys.count), .integer(role.channels.count)]
            + (role.keys + role.channels).map { .string($0.sample) }
            + role.commands.map { .string($0) }
    }

    /// What the answers of the script mean; nil if they are not its answers.
    func missing(_ answers: [Int]) -> Missing? {
        var rest = answers[...]
        var table: [(command: String, kind: Kind, answers: [Answer])] = []
        for command in role.commands {
            let kind = Kind(command)
            let count = places(of: kind)?.count ?? 1
            let given = rest.prefix(count).compactMap(Answer.init)
            guard given.count == count else { return nil }
            rest = rest.dropFirst(count)
            table.append((command, kind, given))
        }
        guard rest.isEmpty else { return nil }
        var missing = Missing()
        for row in table where row.kind == .plain && row.answers == [.refused] {
            missing.commands.append(row.command)
        }
        for kind in [Kind.key, .channel] {
            let rows = table.filter { $0.kind == kind }
            judge(rows.map { ($0.command, $0.answers) }, kind, &missing)
        }
        missing.unknown = table.filter { $0.answers.contains(.unknown) }
            .map { RedisRole.name(of: $0.command) }
        return missing
    }

    private func judge(
        _ rows: [(command: String, answers: [Answer])], _ kind: Kind, _ missing: inout Missing
    ) {
        guard !rows.isEmpty, let places = places(of: kind) else { return }
        let open = places.indices.filter { place in
            rows.contains { $0.answers[place] == .allowed }
        }
        let closed = places.indices.filter { !open.contains($0) }.map { places[$0].pattern }
        if kind == .key { missing.keys = closed } else { missing.channels = closed }
        for row in rows where !row.answers.contains(.unknown) {
            if open.isEmpty {
                missing.unjudged.append(row.command)
            } else if open.allSatisfy({ row.answers[$0] == .refused }) {
                missing.commands.append(row.command)
            }
        }
    }

    // MARK: - Kinds

    private enum Kind {
        case plain, key, channel

        init(_ command: String) {
            let words = command.split(separator: " ")
            self = words.contains("KEY") ? .key : words.contains("CHANNEL") ? .channel : .plain
        }
    }

    private func places(of kind: Kind) -> [RedisRole.Place]? {
        switch kind {
        case .plain: nil
        case .key: role.keys
        case .channel: role.channels
        }
    }
}
