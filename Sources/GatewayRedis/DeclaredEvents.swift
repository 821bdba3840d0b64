import EventStreams
public import Gateway
import PlainText
public import TroupeRedis

/// Which types of event services have declared to emit, as each notes at its start.
///
/// What has come once counts as declared too: a service may say things beside its sagas.
public struct DeclaredEvents: Sendable {
    private let redis: RedisClient
    private let keys: CacheKeys

    /// What is declared on a Redis, in one namespace.
    public init(redis: RedisClient, namespace: String = "") {
        self.redis = redis
        keys = CacheKeys(namespace: namespace)
    }

    /// By the names of all services that have declared something.
    ///
    /// Looks through the names of all keys: for a person who asks, not for a running gateway.
    ///
    /// - Parameter rules: of what these name it is also asked whether it has come.
    public func all(
        beside rules: [InvalidationRule]
    ) async throws(RedisError) -> [String: Set<String>] {
        var declared: [String: Set<String>] = [:]
        for key in try await redis.keys(matching: keys.events.declared("*"), type: "hash") {
            guard let service = keys.service(declaredIn: key) else { continue }
            let fields = try await redis.send(.hmget(key, ["emits"])).strings()
            guard let emits = fields.first ?? nil else { continue }
            declared[service, default: []].formUnion(Self.types(emits))
        }
        for rule in rules {
            guard let known = declared[rule.service] else { continue }
            for event in rule.events where !known.contains(event) {
                if try await hasCome(event, rule.service) { declared[rule.service]?.insert(event) }
            }
        }
        return declared
    }

    /// Those that rules name although their service declares others, and not them.
    ///
    /// Nothing of a service that has declared nothing, or of which this user may not be told.
    func missing(
        in sources: [EventRules.Source]
    ) async throws(RedisError) -> [(source: EventRules.Source, nearest: String?)] {
        var declared: [String: Set<String>] = [:]
        for service in Set(sources.map(\.service)) {
            let reply = try await redis.evaluate(
                Self.script, keys: [keys.events.declared(service)], arguments: [])
            declared[service] = reply.string.map(Self.types)
        }
        var missing: [(source: EventRules.Source, nearest: String?)] = []
        for source in sources {
            guard let known = declared[source.service], !known.contains(source.event),
                try await !hasCome(source.event, source.service)
            else { continue }
            missing.append((source, Spelling.nearest(to: source.event, of: known)))
        }
        return missing
    }

    /// Nothing, and without a denial in the server's log, for a user who may not read it: no
    /// gateway needs that right.
    private static let script = RedisScript(
        """
        #!lua flags=no-writes
        local isKnown, isAllowed = pcall(redis.acl_check_cmd, 'HGET', KEYS[1], 'emits')
        if not (isKnown and isAllowed) then return false end
        return redis.call('HGET', KEYS[1], 'emits')
        """)

    private func hasCome(_ event: String, _ service: String) async throws(RedisError) -> Bool {
        let stream = keys.events.stream(event, owner: service)
        let first = try await redis.evaluate(
            StreamEnd.firstEntry, keys: [stream], arguments: ["-", "+"])
        return first.string != nil
    }

    /// Out of `OrderCompleted/1 OrderCreated/1`.
    private static func types(_ emits: String) -> Set<String> {
        Set(emits.split(separator: " ").map { String($0.prefix { $0 != "/" }) })
    }
}

extension CacheKeys {
    /// The service in the name of such a key; all of its partitions are one.
    fileprivate func service(declaredIn key: String) -> String? {
        let ends = events.declared("*").split(separator: "*")
        guard ends.count == 2, key.hasPrefix(ends[0]), key.hasSuffix(ends[1]),
            key.count > ends[0].count + ends[1].count
        else { return nil }
        let tag = key.dropFirst(ends[0].count).dropLast(ends[1].count)
        return String(tag.prefix { $0 != "/" })
    }
}
