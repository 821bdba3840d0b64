import Synchronization

/// What a fill tells the cache while it fetches.
///
/// Before a part is fetched, `watch` names what the part tells about. That order is the rule on
/// which everything rests: a change after the watching is noticed, one before it is in the part.
public struct FillScope: Sendable {
    /// More tags than this keep an answer out of the cache; it bounds what one entry can index.
    public static let tagLimit = 64

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
    public func watch(_ tags: [CacheTag]) async {
        let fresh = notes.adding(tags)
        guard !fresh.isEmpty else { return }
        let generations = await cache.watch(fresh, by: fill)
        notes.saw(fresh, generations)
    }
}

/// The tags of a fill and the generations it saw, gathered from parts that run side by side.
final class FillNotes: Sendable {
    struct Seen {
        var tags: [CacheTag] = []
        var generations: [CacheTag: UInt64] = [:]
        var run: String?
        /// Whether every generation was seen, and in one run of the server.
        var isComplete = true
    }

    private let seen: Mutex<Seen>

    init(tags: [CacheTag], generations: Generations?) {
        var seen = Seen(tags: tags)
        seen.run = generations?.run
        for tag in tags { seen.generations[tag] = generations?.values[tag] }
        self.seen = Mutex(seen)
    }

    /// Those of the tags that were not known yet.
    func adding(_ tags: [CacheTag]) -> [CacheTag] {
        seen.withLock { seen in
            let fresh = tags.reduce(into: [CacheTag]()) { fresh, tag in
                if !seen.tags.contains(tag), !fresh.contains(tag) { fresh.append(tag) }
            }
            seen.tags += fresh
            return fresh
        }
    }

    func saw(_ tags: [CacheTag], _ generations: Generations?) {
        seen.withLock { seen in
            guard let generations, seen.run == nil || seen.run == generations.run else {
                seen.isComplete = false
                return
            }
            seen.run = generations.run
            for tag in tags {
                seen.generations[tag] = generations.values[tag]
                if generations.values[tag] == nil { seen.isComplete = false }
            }
        }
    }

    var guards: [TagGuard] {
        seen.withLock { seen in
            seen.tags.map { TagGuard(tag: $0, generation: seen.generations[$0]) }
        }
    }

    /// The generations to store with the answer; nil if one of them is not known.
    var generations: Generations? {
        seen.withLock { seen in
            guard seen.isComplete, let run = seen.run else { return nil }
            return Generations(run: run, values: seen.generations)
        }
    }
}
