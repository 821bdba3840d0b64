import EventStreams
import PlainText
public import Saga
public import TroupeRedis

/// Where everything of a saga stands in Redis; the only place that says so, but for events, of
/// which `EventStreamKeys` does.
///
///     saga:{<service>}:again                stream    what people ask of this service alone: so
///                                                     far `ResolveStep`, of one whose step asks
///     saga:{<service>}:ledger:<sagaID>      hash      step → state and event; `resolved:<step>` →
///                                                     what a person has said of it. Of further
///                                                     routes `ledger:<route>/<sagaID>`
///     saga:{<service>}:timers               zset      due time → event type and saga ID
///     saga:{<service>}:open                 zset      when to try again → saga that owes something
///                                                     (`<route>/<sagaID>` as in ledgers)
///     saga:{<service>}:blocked              zset      since when → saga that makes no progress
///     saga:{<service>}:asks                 zset      since when → saga of those that asks people
///     saga:{<service>}:undone               zset      when → key that was undone within an hour
///                                                     on account of a company's books
///     saga:{<service>}:paused               string    when a person had it read nothing, and why
///     saga:{<service>}:consumer:<name>      string    the process that bears a replica's name,
///                                                     for as long as it says that it lives
///     saga:{<service>}:trying:<name>        string    the suspects that a replica is trying
///     saga:{<service>}:dead                 stream    dead letters
///     saga:{<service>}:dead:<stream>:<id>   string    the letter of an entry, against a second one
///     saga:{<service>}:cursor               hash      stream → all before it was dealt with;
///                                                     identity → whose data timers go by
///     saga:{<service>}:born                 string    when all this came to be, in milliseconds
///                                                     since 1970, and the version of its layout
///     saga:{<service>}:declared             hash      `emits`, `consumes`: types of event with
///                                                     versions; `route`: its name and digest;
///                                                     `asks`: steps that ask a person. Of the
///                                                     replica that was started last
///     {<service>}:<record>                  any       the service's own records
///
/// The service in braces is a hash tag: all that one transition touches is in one slot. A
/// namespace stands before everything, with a colon.
public struct SagaKeys: Hashable, Sendable {
    private let events: EventStreamKeys
    private var prefix: String { events.prefix }

    /// The keys of one namespace; none if it is empty.
    public init(namespace: String = "") {
        events = EventStreamKeys(namespace: namespace)
    }

    /// The channel of a type of event.
    public func channel(_ type: String) -> String { events.channel(type) }

    /// The stream of a type of event, which its emitter owns.
    public func stream(_ type: String, owner: String) -> String {
        events.stream(type, owner: owner)
    }

    /// What people ask of a participant alone.
    public func again(_ service: String) -> String { stream("again", owner: service) }

    /// The ledger of a participant for the saga of a name; none without the naming, as an ID may
    /// hold what looks like a route's name.
    public func ledger(named name: String, by naming: SagaNaming, service: String) -> String {
        "\(prefix)saga:{\(service)}:ledger:\(naming.encoded(name))"
    }

    /// The timers of a participant.
    public func timers(_ service: String) -> String { "\(prefix)saga:{\(service)}:timers" }

    /// The sagas of a participant that owe something, and when it is tried again.
    public func open(_ service: String) -> String { "\(prefix)saga:{\(service)}:open" }

    /// The sagas of a participant that make no progress, and since when.
    public func blocked(_ service: String) -> String { "\(prefix)saga:{\(service)}:blocked" }

    /// Those of them that ask a person, and since when.
    package func asks(_ service: String) -> String { "\(prefix)saga:{\(service)}:asks" }

    /// The process that bears the name of a participant's replica.
    public func consumer(_ name: String, service: String) -> String {
        "\(prefix)saga:{\(service)}:consumer:\(PercentEncoding.encode(name))"
    }

    /// What a replica of a participant is trying again.
    public func trying(_ name: String, service: String) -> String {
        "\(prefix)saga:{\(service)}:trying:\(PercentEncoding.encode(name))"
    }

    /// Stands while a person has a participant read nothing.
    public func paused(_ service: String) -> String { "\(prefix)saga:{\(service)}:paused" }

    /// What a participant has undone within an hour on account of a company's books.
    public func undone(_ service: String) -> String { "\(prefix)saga:{\(service)}:undone" }

    /// The dead letters of a participant.
    public func dead(_ service: String) -> String { "\(prefix)saga:{\(service)}:dead" }

    /// Which dead letter an entry of a stream became.
    func letter(of entry: String, in stream: String, service: String) -> String {
        "\(dead(service)):\(stream):\(entry)"
    }

    /// How far a participant got in each stream that it consumes.
    public func cursor(_ service: String) -> String { "\(prefix)saga:{\(service)}:cursor" }

    /// When a participant's data came to be, and in which layout.
    public func born(_ service: String) -> String { "\(prefix)saga:{\(service)}:born" }

    /// What the running replicas of a participant declare.
    public func declared(_ service: String) -> String { events.declared(service) }

    /// What a participant keeps under one name each, whatever its sagas.
    public func standing(of service: String) -> [RedisStandingKey] {
        [
            RedisStandingKey(timers(service), .sortedSet),
            RedisStandingKey(open(service), .sortedSet),
            RedisStandingKey(blocked(service), .sortedSet),
            RedisStandingKey(asks(service), .sortedSet),
            RedisStandingKey(undone(service), .sortedSet),
            RedisStandingKey(again(service), .stream),
            RedisStandingKey(paused(service), .string),
            RedisStandingKey(dead(service), .stream),
            RedisStandingKey(cursor(service), .hash),
            RedisStandingKey(born(service), .string),
            RedisStandingKey(declared(service), .hash),
        ]
    }

    /// The streams of a saga: of the events that participants emit, and of those that its owner
    /// says without declaring them.
    public func standing(
        streamsOf events: [any SagaEvent.Type], owner: String
    ) -> [RedisStandingKey] {
        let kinds = events.map { ($0.type, $0.owner) }
        let own = [
            EventKind(deadlineOf: owner), EventKind(missingOf: owner),
            EventKind(cancellingOf: owner),
        ]
        return (kinds + own.map { ($0.type, $0.owner) }).map {
            RedisStandingKey(stream($0.0, owner: $0.1), .stream)
        }
    }

    /// A record of a participant.
    public func record(_ name: RecordName, service: String) -> String {
        "\(prefix){\(service)}:\(name)"
    }
}
