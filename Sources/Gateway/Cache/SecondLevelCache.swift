package import NIOCore

// The cache that several gateways share, seen from the inside of one.
//
//   generation(tag)   a number that every change of the tag's subject raises, if there is one
//   entry(key)        an answer, with the generation of each of its tags that was current
//                     before the part guarded by it was fetched
//
//   An entry is valid while every tag it names still has the generation it names. A tag without
//   a generation is equal to nothing.
//
//   fill      generation made for seconds if there is none ── fetched ── stored, if every
//             generation is there and the same; only then do they live as long as the entry
//
// What an implementation must promise, and what ResponseCache relies on:
//   - a generation never comes back: not by raising, expiry, eviction, or a restart of the
//     server from an older state;
//   - raising a tag that has none leaves it without one: a generation made later belongs to a
//     fill that fetches what is new;
//   - a fill that stores nothing leaves nothing behind for longer than some seconds;
//   - `raise` has taken effect once it answers true;
//   - no call waits long when the server is away: nil and false are answers too.

/// A number, and who keeps it.
package struct Generation: Hashable, Sendable {
    /// What every change raises.
    package var number: UInt64
    /// The identity of the node that keeps it.
    ///
    /// Numbers of different keepers cannot be compared: the data of one may be older.
    package var keeper: String

    /// A number of one keeper.
    package init(number: UInt64, keeper: String) {
        self.number = number
        self.keeper = keeper
    }
}

/// The generations of some tags at one time.
package struct Generations: Hashable, Sendable {
    /// Replaced to make every entry invalid.
    package var epoch: Generation
    /// The tags that have a generation.
    package var values: [CacheTag: Generation]

    /// Generations read in one epoch.
    package init(epoch: Generation, values: [CacheTag: Generation]) {
        self.epoch = epoch
        self.values = values
    }
}

/// An answer as it is kept in the second level.
package struct SecondLevelEntry: Sendable {
    /// The status code.
    package var status: Int
    /// Status line and fields.
    package var head: ByteBuffer
    /// The same for a 304.
    package var notModifiedHead: ByteBuffer?
    /// The body.
    package var body: ByteBuffer
    /// The entity tag with its quotes.
    package var entityTag: String?
    /// `Last-Modified` in seconds since 1970.
    package var lastModified: Int64?
    /// How old the answer was when it was stored, or is now that it was read.
    package var age: Duration
    /// How long it will stay fresh, from the same moment.
    package var lifetime: Duration
    /// The generations it was filled under.
    package var generations: Generations

    /// An entry of all its fields.
    package init(
        status: Int, head: ByteBuffer, notModifiedHead: ByteBuffer?, body: ByteBuffer,
        entityTag: String?, lastModified: Int64?, age: Duration, lifetime: Duration,
        generations: Generations
    ) {
        self.status = status
        self.head = head
        self.notModifiedHead = notModifiedHead
        self.body = body
        self.entityTag = entityTag
        self.lastModified = lastModified
        self.age = age
        self.lifetime = lifetime
        self.generations = generations
    }
}

/// What a look into the second level found.
package struct SecondLevelReading: Sendable {
    /// The entry, if there is one that can be read.
    package var entry: SecondLevelEntry?
    /// The present generations of the entry's tags and of those asked for, read after the entry.
    package var present: Generations

    /// A reading of entry and generations.
    package init(entry: SecondLevelEntry?, present: Generations) {
        self.entry = entry
        self.present = present
    }

    /// The entry, if every generation it was filled under is current.
    package var validEntry: SecondLevelEntry? {
        guard let entry, entry.generations.epoch == present.epoch else { return nil }
        let isCurrent = entry.generations.values.allSatisfy { present.values[$0.key] == $0.value }
        return isCurrent ? entry : nil
    }
}

/// Tags that something changed, and the name of what changed them.
package struct Invalidation: Hashable, Sendable {
    /// The event's identifier.
    ///
    /// The same cause raises a generation once, whoever tells of it.
    package var cause: String
    /// What it changed.
    package var tags: [CacheTag]

    /// An invalidation of some tags for one cause.
    package init(cause: String, tags: [CacheTag]) {
        self.cause = cause
        self.tags = tags
    }
}

/// A cache shared by several gateways.
///
/// See the head of its file for what it must promise.
package protocol SecondLevelCache: Sendable {
    /// The entry of a key, and then the generations of its tags and of those likely needed for
    /// a fill. Nil if the server cannot answer now.
    func read(_ key: CacheKey, likely tags: [CacheTag]) async -> SecondLevelReading?

    /// The present generation of every tag, begun for some seconds where there is none. Nil if
    /// the server cannot answer now.
    func generations(of tags: [CacheTag]) async -> Generations?

    /// Keeps an entry if each of its generations is there and the same, and them as long as it.
    /// Nothing is promised: it may be lost or refused.
    func store(_ entry: SecondLevelEntry, for key: CacheKey) async

    /// Raises the generation of each tag that has one, once for each cause; true once all are.
    func raise(_ invalidations: [Invalidation]) async -> Bool

    /// Makes every entry invalid at once; true once that is so.
    func raiseAll() async -> Bool

    /// Tells the other gateways of an invalidation that no event announces; true once they have
    /// been told, which may be more than once.
    func announce(_ invalidation: Invalidation) async -> Bool
}
