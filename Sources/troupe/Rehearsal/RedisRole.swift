import GatewayRedis
import OrderContracts
import OrderService
import ProductService
import Saga
import SagaRedis
import TroupeRedis
import UserService

/// What a process does on a Redis: the commands it sends, and the names it sends them about.
///
/// The one place that says so. Whoever adds a command to an engine adds it here; `doctor`,
/// readiness and the start ask for these rights, and a test runs everything with no others.
struct RedisRole: Sendable {
    /// Keys or channels of one kind.
    struct Place: Hashable, Sendable {
        /// What an ACL rule says after its `~` or `&`.
        var pattern: String
        /// One name that the pattern covers, used by nobody.
        var sample: String
    }

    /// Where a rehearsal writes; it leaves nothing there.
    struct Trial: Hashable, Sendable {
        /// As whom, so with which commands.
        enum Part: Sendable {
            case records, events, cache
        }

        var key: String
        var part: Part
    }

    /// Commands as they are sent; `KEY` and `CHANNEL` stand for a name.
    var commands: [String]
    var keys: [Place]
    var channels: [Place]
    /// Keys that have to have one type, if they are there.
    var standingKeys: [RedisStandingKey] = []
    var trials: [Trial]

    /// Several processes' work in one.
    func joined(with other: RedisRole) -> RedisRole {
        func union<Value: Hashable>(_ left: [Value], _ right: [Value]) -> [Value] {
            left + right.filter { !left.contains($0) }
        }
        func places(_ left: [Place], _ right: [Place]) -> [Place] {
            left + right.filter { place in !left.contains { $0.pattern == place.pattern } }
        }
        return RedisRole(
            commands: union(commands, other.commands), keys: places(keys, other.keys),
            channels: places(channels, other.channels),
            standingKeys: union(standingKeys, other.standingKeys),
            trials: union(trials, other.trials))
    }

    /// The least that an ACL user needs for it.
    var rule: String {
        (keys.map { "~" + $0.pattern } + channels.map { "&" + $0.pattern }
            + Self.grants(commands)).joined(separator: " ")
    }

    /// The rules that allow commands, each once.
    static func grants(_ commands: [String]) -> [String] {
        var grants: [String] = []
        for command in commands {
            let grant = "+" + name(of: command)
            if !grants.contains(grant) { grants.append(grant) }
        }
        return grants
    }

    /// What ACL rules call a command; of those that only have harmless relatives, all are meant.
    static func name(of command: String) -> String {
        let words = command.lowercased().split(separator: " ").map(String.init)
        let hasDangerousRelatives = ["client", "script"].contains(words[0])
        return hasDangerousRelatives ? "\(words[0])|\(words[1])" : words[0]
    }
}

extension RedisRole {
    /// The keeper of records, and of sagas if it takes part in any.
    static func service(_ name: SystemService, namespace: String?) -> RedisRole {
        let prefix = namespace.map { $0 + ":" } ?? ""
        let names = SagaKeys(namespace: namespace ?? "")
        let owner = name.owner
        let own = Place(
            pattern: "\(prefix){\(owner)}:*", sample: "\(prefix){\(owner)}:rehearsal")
        guard name.takesPartInSagas else {
            return RedisRole(
                commands: everybody + records, keys: [own], channels: [],
                standingKeys: name.standingKeys(names),
                trials: [Trial(key: own.sample, part: .records)])
        }
        let shared = Place(
            pattern: "\(prefix)saga:*", sample: "\(prefix)saga:{\(owner)}:rehearsal")
        return RedisRole(
            commands: everybody + records + sagas, keys: [shared, own],
            channels: [events(prefix)],
            standingKeys: eventStreams(names) + names.standing(of: owner)
                + name.standingKeys(names),
            trials: [Trial(key: shared.sample, part: .events)])
    }

    /// All services on one Redis.
    static func services(
        _ names: [SystemService] = SystemService.startOrder, namespace: String?
    ) -> RedisRole? {
        let roles = names.filter { $0 != .sandbox }.map { service($0, namespace: namespace) }
        return roles.dropFirst().reduce(roles.first) { $0?.joined(with: $1) }
    }

    /// All that `up` does on its Redis, but for what is on another.
    static func everything(
        _ names: [SystemService] = SystemService.startOrder, namespace: String?, withCache: Bool
    ) -> RedisRole {
        var role = events(namespace: namespace)
        if withCache { role = role.joined(with: cache(namespace: namespace)) }
        guard let services = services(names, namespace: namespace) else { return role }
        role.standingKeys.append(RedisStandingKey(SystemClaim.key(namespace), .string))
        return services.joined(with: role)
    }

    /// The gateway where events are.
    static func events(namespace: String?) -> RedisRole {
        let prefix = namespace.map { $0 + ":" } ?? ""
        let names = SagaKeys(namespace: namespace ?? "")
        return RedisRole(
            commands: everybody + [
                "PUBLISH CHANNEL a", "SUBSCRIBE CHANNEL", "UNSUBSCRIBE a", "XINFO GROUPS KEY",
                "XINFO STREAM KEY", "XGROUP SETID KEY a $", "XGROUP CREATE KEY a 0",
                "XGROUP DESTROY KEY a", "XRANGE KEY - +", "EXISTS KEY",
            ],
            keys: [
                Place(pattern: "\(prefix)saga:*", sample: "\(prefix)saga:{gateway}:rehearsal")
            ],
            channels: [
                events(prefix),
                Place(pattern: "\(prefix)cache.*", sample: "\(prefix)cache.rehearsal"),
            ], standingKeys: eventStreams(names), trials: [])
    }

    /// The gateway's cache.
    static func cache(namespace: String?) -> RedisRole {
        let prefix = namespace.map { $0 + ":" } ?? ""
        let own = Place(pattern: "\(prefix)cache:*", sample: "\(prefix)cache:rehearsal")
        return RedisRole(
            commands: everybody + [
                "SCRIPT LOAD a", "GET KEY", "SET KEY a", "EXISTS KEY", "INCR KEY", "PTTL KEY",
                "PEXPIRE KEY 1",
            ],
            keys: [own], channels: [],
            standingKeys: RedisSecondLevelCache.standingKeys(namespace: namespace ?? ""),
            trials: [Trial(key: own.sample, part: .cache)])
    }

    /// A person with `troupe tail` or redis-cli.
    static func listening(namespace: String?) -> RedisRole {
        let prefix = namespace.map { $0 + ":" } ?? ""
        // A pattern is allowed where a rule says the same, letter by letter.
        let all = Place(pattern: "\(prefix)saga.*", sample: "\(prefix)saga.*")
        return RedisRole(
            commands: [
                "PING", "CLIENT SETNAME a", "SUBSCRIBE CHANNEL", "PSUBSCRIBE CHANNEL",
                "UNSUBSCRIBE a", "PUNSUBSCRIBE a",
            ], keys: [], channels: [all], trials: [])
    }

    /// A person with `troupe saga show`.
    static func reading(namespace: String?) -> RedisRole {
        let prefix = namespace.map { $0 + ":" } ?? ""
        return RedisRole(
            commands: [
                "PING", "CLIENT SETNAME a", "SCAN 0", "XRANGE KEY - +", "HMGET KEY a",
                "ZSCORE KEY a", "EVAL a 0", "EVALSHA a 0",
            ],
            keys: [
                Place(pattern: "\(prefix)saga:*", sample: "\(prefix)saga:{rehearsal}:Rehearsal")
            ], channels: [], trials: [])
    }

    /// A person who has `troupe doctor` look at what there is of sagas besides.
    static func surveying(namespace: String?) -> RedisRole {
        let looking = RedisRole(
            commands: [
                "GET KEY", "XINFO GROUPS KEY", "XPENDING KEY a", "ZRANGEBYSCORE KEY 0 0",
                "ZREVRANK KEY a", "TIME",
            ], keys: [], channels: [], trials: [])
        return reading(namespace: namespace).joined(with: looking)
    }

    /// A person with `troupe saga resolve`.
    static func resolving(namespace: String?) -> RedisRole {
        let prefix = namespace.map { $0 + ":" } ?? ""
        return RedisRole(
            commands: [
                "PING", "CLIENT SETNAME a", "HMGET KEY a", "XADD KEY * a a",
            ],
            keys: [
                Place(pattern: "\(prefix)saga:*", sample: "\(prefix)saga:{rehearsal}:again")
            ], channels: [], trials: [])
    }

    /// A person with `troupe pause`.
    static func pausing(namespace: String?) -> RedisRole {
        let prefix = namespace.map { $0 + ":" } ?? ""
        return RedisRole(
            commands: [
                "PING", "CLIENT SETNAME a", "EXISTS KEY", "GET KEY", "SET KEY a", "UNLINK KEY",
            ],
            keys: [
                Place(pattern: "\(prefix)saga:*", sample: "\(prefix)saga:{rehearsal}:paused")
            ], channels: [], trials: [])
    }

    /// What a connection says first, what identifies the server, and scripts.
    private static let everybody = [
        "PING", "CLIENT SETNAME a", "INFO server", "EVAL a 0", "EVALSHA a 0",
    ]

    private static let records = [
        "GET KEY", "SET KEY a", "EXISTS KEY", "TYPE KEY", "UNLINK KEY", "EXPIRE KEY 1",
        "PEXPIRE KEY 1", "PERSIST KEY", "HGET KEY a", "HMGET KEY a", "HGETALL KEY",
        "HSET KEY a a", "HINCRBY KEY a 1", "HDEL KEY a", "ZADD KEY 1 a", "ZREM KEY a",
        "ZREVRANK KEY a", "ZREVRANGE KEY 0 0", "ZRANGEBYSCORE KEY 0 0",
    ]

    private static let sagas = [
        "PUBLISH CHANNEL a", "SUBSCRIBE CHANNEL", "UNSUBSCRIBE a", "XADD KEY * a a",
        "XACK KEY a 1", "XREADGROUP GROUP a a STREAMS KEY >",
        "XCLAIM KEY a a 0 1", "XPENDING KEY a", "XINFO GROUPS KEY", "XINFO STREAM KEY",
        "XGROUP CREATE KEY a 0", "XGROUP DESTROY KEY a", "XTRIM KEY MAXLEN 1", "XRANGE KEY - +",
        "XREVRANGE KEY + -", "TIME",
    ]

    private static func events(_ prefix: String) -> Place {
        Place(pattern: "\(prefix)saga.*", sample: "\(prefix)saga.Rehearsal")
    }

    private static func eventStreams(_ names: SagaKeys) -> [RedisStandingKey] {
        names.standing(streamsOf: OrderSaga.events, owner: OrderSaga.owner)
    }
}

extension SystemService {
    var takesPartInSagas: Bool {
        switch self {
        case .orders, .payments, .inventory, .shipping: true
        case .users, .products, .sandbox: false
        }
    }

    /// What it keeps under one name each, its part in sagas apart.
    func standingKeys(_ names: SagaKeys) -> [RedisStandingKey] {
        switch self {
        case .users: UserServer.standingKeys(names)
        case .products: ProductServer.standingKeys(names)
        case .orders: OrderServer.standingKeys(names)
        case .payments, .inventory, .shipping, .sandbox: []
        }
    }

    /// The name that stands in the service's keys.
    var owner: String {
        switch self {
        case .users: "user"
        case .products: "product"
        case .orders: ServiceName.order
        case .payments: ServiceName.payment
        case .inventory: ServiceName.inventory
        case .shipping: ServiceName.shipping
        case .sandbox: "sandbox"
        }
    }
}
