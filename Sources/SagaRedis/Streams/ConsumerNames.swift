import Saga
import TroupeRedis

/// The names of a participant's replicas: who bears one, and what he holds.
///
///     SET consumer:<name> <token> PX   unless another token is there      claim
///     PEXPIRE                          if our token is there              heartbeat
///     UNLINK                           if our token is there              the end
///     SET trying:<name>                if our token is there              what it tries
struct ConsumerNames: Sendable {
    let redis: RedisClient
    let service: String
    let names: SagaKeys

    func claim(_ name: String, _ token: String, for life: Duration) async throws(SagaError) -> Bool
    {
        let key = RedisArgument.string(names.consumer(name, service: service))
        let reply = try await redis.write(
            RedisCommand("SET", [key, .string(token), "NX", "PX", .milliseconds(life)]))
        if reply.string == "OK" { return true }
        // Only its bearer is ever told its token.
        return try await redis.read(.get(names.consumer(name, service: service))).string == token
    }

    func renew(_ name: String, _ token: String, for life: Duration) async throws(SagaError) -> Bool
    {
        try await run(Self.renewal, name, [.string(token), .milliseconds(life)])
    }

    func release(_ name: String, _ token: String) async throws(SagaError) {
        _ = try await run(Self.release, name, [.string(token)])
    }

    private func run(
        _ script: RedisScript, _ name: String, _ arguments: [RedisArgument]
    ) async throws(SagaError) -> Bool {
        do {
            return try await redis.evaluate(
                script, keys: [names.consumer(name, service: service)], arguments: arguments
            ).integer == 1
        } catch {
            throw SagaError(error)
        }
    }

    private static let renewal = RedisScript(
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        return 1
        """)

    private static let release = RedisScript(
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('UNLINK', KEYS[1])
        return 1
        """)

    // MARK: - What they try

    /// Long after nobody knows the entries any more.
    private static let markLife = RedisArgument.integer(86_400)

    func mark(
        _ text: String, of name: String, _ token: String
    ) async throws(SagaError) -> Bool {
        do {
            return try await redis.evaluate(
                Self.marking,
                keys: [
                    names.consumer(name, service: service), names.trying(name, service: service),
                ],
                arguments: [.string(token), .string(text), Self.markLife]
            ).integer == 1
        } catch {
            throw SagaError(error)
        }
    }

    private static let marking = RedisScript(
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        if ARGV[2] == '' then
            redis.call('UNLINK', KEYS[2])
        else
            redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
        end
        return 1
        """)

    func mark(of name: String) async throws(SagaError) -> String {
        try await redis.read(.get(names.trying(name, service: service))).string ?? ""
    }

    func takeMark(
        of name: String, holding text: String, leaving own: String, to heir: String,
        _ token: String
    ) async throws(SagaError) -> Bool {
        do {
            return try await redis.evaluate(
                Self.inheritance,
                keys: [names.consumer(heir, service: service)]
                    + [name, heir].map { names.trying($0, service: service) },
                arguments: [.string(token), .string(text), .string(own), Self.markLife]
            ).integer == 1
        } catch {
            throw SagaError(error)
        }
    }

    private static let inheritance = RedisScript(
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('GET', KEYS[2]) ~= ARGV[2] then
            return 0
        end
        redis.call('UNLINK', KEYS[2])
        if ARGV[3] ~= '' then redis.call('SET', KEYS[3], ARGV[3], 'EX', ARGV[4]) end
        return 1
        """)

    // MARK: - The others

    /// All replicas that the group knows in some streams, but for one.
    ///
    /// A stream that cannot be asked has none.
    func all(
        in streams: [ConsumedStream], but own: String
    ) async throws(SagaError)
        -> [ConsumerSighting]
    {
        var found: [String: ConsumerSighting] = [:]
        let replies = try await send(streams.map { .xinfoConsumers($0.key, service) })
        for (position, reply) in replies.enumerated() {
            let states = (try? reply.get()).map(ConsumerState.all) ?? []
            for state in states where state.name != own {
                var sighting =
                    found[state.name]
                    ?? ConsumerSighting(
                        name: state.name, isAlive: false, idle: state.idle, pending: [])
                sighting.idle = min(sighting.idle, state.idle)
                if state.pending > 0 { sighting.pending.insert(position) }
                found[state.name] = sighting
            }
        }
        var sightings = found.values.sorted { $0.name < $1.name }
        // Asked after the streams: who has appeared there bears his name by now.
        let keys = sightings.map { names.consumer($0.name, service: service) }
        let living = try await send(
            keys.map { RedisCommand("EXISTS", [.string($0)], isReadOnly: true) })
        for (position, reply) in living.enumerated() {
            do {
                sightings[position].isAlive = try reply.get().integer == 1
            } catch {
                throw SagaError(error)
            }
        }
        return sightings
    }

    private func send(
        _ commands: [RedisCommand]
    ) async throws(SagaError) -> [Result<RedisValue, RedisError>] {
        do {
            return try await redis.send(batch: commands)
        } catch {
            throw SagaError(error)
        }
    }
}
