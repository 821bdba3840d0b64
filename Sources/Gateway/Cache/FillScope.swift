import Synchronization

/// What a fill tells the cache while it fetches.
///
/// Before a part is fetched, `watch` names what the part tells about. That order is the rule on
/// which everything rests: a change after the watching is noticed, one before it is in the part.
package struct FillScope: Sendable {
    /// More tags than this keep an answer out of the cache; it bounds what one entry can index.
    package static let tagLimit = 64

    private let cache: ResponseCache
    private let fill: CoherenceLedger.Fill
    private let notes: FillNotes

    init(cache: ResponseCache, fill: CoherenceLedger.Fill, notes: FillNotes) {
        self.cache = cache
        self.fill = fill
        self.notes = notes
    }

    /// Reads the generations of some tags.
    ///
    /// Call it, and await it, before fetching the part that they guard; parts fetched side by side
    /// may watch side by side.
    package func watch(_ tags: [CacheTag]) async {
        let fresh = notes.adding(tags)
        guard !fresh.isEmpty else { return }
        let generations = await cache.watch(fresh, by: fill)
        notes.saw(fresh, generations)
    }

    /// Tells of tags that only the answer itself names.
    ///
    /// Nobody watched them before it was fetched, so it is kept in this process alone; the next
    /// fill of the same key watches them from its beginning.
    package func learn(_ tags: [CacheTag]) {
        guard !tags.isEmpty else { return }
        let fresh = notes.learning(tags)
        if !fresh.isEmpty { cache.learn(fresh, by: fill) }
    }
}

/// The tags of a fill and the generations it saw, gathered from parts that run side by side.
final class FillNotes: Sendable {
    struct Seen {
        var tags: [CacheTag] = []
        /// Those of them that an answer told of.
        var told: [CacheTag] = []
        var generations: [CacheTag: Generation] = [:]
        var epoch: Generation?
        /// Whether every generation was seen before its part was fetched, and in one epoch.
        var isComplete = true
    }

    private let seen: Mutex<Seen>

    init(tags: [CacheTag], generations: Generations?) {
        var seen = Seen(tags: tags)
        seen.epoch = generations?.epoch
        for tag in tags { seen.generations[tag] = generations?.values[tag] }
        self.seen = Mutex(seen)
    }

    /// Those of the tags that were not known yet.
    func adding(_ tags: [CacheTag]) -> [CacheTag] {
        seen.withLock { FillNotes.add(tags, to: &$0) }
    }

    /// The same for tags that an answer told of.
    func learning(_ tags: [CacheTag]) -> [CacheTag] {
        seen.withLock { seen in
            seen.told += tags
            let fresh = FillNotes.add(tags, to: &seen)
            if !fresh.isEmpty { seen.isComplete = false }
            return fresh
        }
    }

    private static func add(_ tags: [CacheTag], to seen: inout Seen) -> [CacheTag] {
        let fresh = tags.reduce(into: [CacheTag]()) { fresh, tag in
            if !seen.tags.contains(tag), !fresh.contains(tag) { fresh.append(tag) }
        }
        seen.tags += fresh
        return fresh
    }

    func saw(_ tags: [CacheTag], _ generations: Generations?) {
        seen.withLock { seen in
            guard let generations, seen.epoch == nil || seen.epoch == generations.epoch else {
                seen.isComplete = false
                return
            }
            seen.epoch = generations.epoch
            for tag in tags {
                seen.generations[tag] = generations.values[tag]
                if generations.values[tag] == nil { seen.isComplete = false }
            }
        }
    }

    var guards: [TagGuard] {
        seen.withLock { seen in
            seen.tags.map { TagGuard(tag: $0, generation: seen.generations[$0]?.number) }
        }
    }

    /// The generations to store with the answer; nil if one of them is not known.
    var generations: Generations? {
        seen.withLock { seen in
            guard seen.isComplete, let epoch = seen.epoch else { return nil }
            return Generations(epoch: epoch, values: seen.generations)
        }
    }

    /// What the answer told of.
    var told: [CacheTag] { seen.withLock { $0.told } }
}
