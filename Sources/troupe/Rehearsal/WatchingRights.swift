import TroupeRedis

/// Finds out what a user lacks who only watches, once Redis has refused something.
///
/// Whoever may run scripts is told all at once. Others are told by the reads themselves, which do
/// no harm; what they may hear is then not known, so the rule names all that watching needs.
enum WatchingRights {
    /// What is missing and the next step; nil if nothing is, or Redis cannot be asked.
    static func shortcoming(
        of client: RedisClient, as role: RedisRole
    ) async -> Shortcoming? {
        let user = client.configuration.username ?? "default"
        let rights = RedisRights(role: role)
        let question = RedisCommand.eval(
            RedisRights.script, keys: [], arguments: rights.arguments)
        do {
            let answers = try await client.send(question, timeout: limit)
            guard let missing = rights.missing(answers.array?.compactMap(\.integer) ?? []),
                !missing.isEmpty
            else { return nil }
            return .rights(missing, user: user)
        } catch {
            guard error.code == .server("NOPERM") else { return nil }
        }
        let missing = await tried(rights.role, client)
        return missing.isEmpty ? nil : .rights(missing, user: user)
    }

    private static let limit = Duration.seconds(2)

    private static func tried(
        _ role: RedisRole, _ client: RedisClient
    ) async -> RedisRights.Missing {
        // What concerns subscriptions belongs on a connection of its own.
        let reads = role.commands.filter { !$0.contains("SUBSCRIBE") }
        let attempts = reads.map { read in
            let words = read.split(separator: " ").map { word in
                word == "KEY" ? role.keys[0].sample : String(word)
            }
            return RedisCommand(
                words[0], words.dropFirst().map { .string($0) }, isReadOnly: true)
        }
        var missing = RedisRights.Missing(unjudged: role.commands)
        let results = (try? await client.send(batch: attempts, timeout: limit)) ?? []
        for (read, result) in zip(reads, results) {
            guard case .failure(let error) = result, error.code == .server("NOPERM") else {
                continue
            }
            if error.message.contains("to run the ") {
                missing.commands.append(read)
            } else {
                missing.keys = role.keys.map(\.pattern)
            }
        }
        // Who may do all of that has been refused a channel, or to hear it.
        if missing.isEmpty { missing.channels = role.channels.map(\.pattern) }
        return missing
    }
}
