import EventStreams
import Gateway
import TroupeRedis

// What of the gateway stands in Redis. Each key has a time to live.
//
//   cache:entry:<digest>              string   an answer, see EntryCodec. The digest is made of
//                                              the answer's key, which names what its route means
//   cache:{<tag>}:generation          integer  made by a fill for seconds, kept only for an entry
//                                              that is stored, raised by each change; begun at
//                                              random, so that a lost one never comes back
//   cache:{<tag>}:event:<id>          string   this event has raised it
//   cache:epoch                       integer  replaced to make every entry invalid
//
//   events, as EventStreamKeys says   read; group `gateway` is how far raised; what services
//                                     declare is read where that is allowed
//   cache.invalidate                  channel  own writes of a gateway, for the others
//   cache.heartbeat.<gateway>         channel  what a gateway sends itself
//
// A namespace stands before everything, with a colon.

/// Names of keys and channels.
struct CacheKeys: Hashable, Sendable {
    /// The consumer group whose position says up to where events have been raised.
    static let group = "gateway"

    let events: EventStreamKeys
    private var prefix: String { events.prefix }

    init(namespace: String) {
        events = EventStreamKeys(namespace: namespace)
    }

    func entry(_ key: CacheKey) -> String { "\(prefix)cache:entry:\(key.digest)" }

    func generation(_ tag: CacheTag) -> String { "\(prefix)cache:{\(tag)}:generation" }

    /// The cause is encoded like a tag, so that it can hold anything and be of any length.
    func event(_ tag: CacheTag, _ cause: String) -> String {
        "\(prefix)cache:{\(tag)}:\(CacheTag("event", cause))"
    }

    /// What the cache keeps under one name, whatever the answers.
    var standing: [RedisStandingKey] { [RedisStandingKey(epoch, .string)] }

    var epoch: String { "\(prefix)cache:epoch" }

    var announcements: String { "\(prefix)cache.invalidate" }

    func heartbeat(_ gateway: String) -> String { "\(prefix)cache.heartbeat.\(gateway)" }
}
