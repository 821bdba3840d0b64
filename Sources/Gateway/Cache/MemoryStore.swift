import NIOCore

// The answers in this process: bounded by number and bytes, found by key and by tag.
//
//   newest ─▶ ▢ ─▶ ▣ ─▶ ▢ ─▶ ▣ ─▶ oldest          ▣ was used since the hand passed
//                        ▲
//                       hand ── moves towards the newest, clears ▣, evicts the first ▢
//
// SIEVE: a hit sets one bit and moves nothing, so that the critical section of a look-up is a
// hash and a flag. What is used once does not push out what is used often.
//
// Slots are indices into arrays; tags point to slots, so taking a tag away costs the number of
// its entries. Expired entries go when they are looked up or when the hand comes by.

/// The first level: a bounded store with eviction by SIEVE.
///
/// Not safe for threads by itself.
struct MemoryStore: Sendable {
    private struct Slot: Sendable {
        var key: CacheKey?
        var response: StoredResponse?
        var cost = 0
        var newer = -1
        var older = -1
        var wasUsed = false
    }

    /// At most this many entries.
    let entryLimit: Int
    /// At most this many bytes, overhead included.
    let byteLimit: Int

    private(set) var bytes = 0
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var index: [CacheKey: Int] = [:]
    private var tagged: [CacheTag: Set<Int>] = [:]
    private var newest = -1
    private var oldest = -1
    private var hand = -1

    /// An estimate of what one entry takes beside its bytes: slot, dictionary, object, tags.
    private static let entryOverhead = 512
    /// How many entries the hand passes at most until it evicts one that was used.
    private static let stepLimit = 64

    init(entryLimit: Int, byteLimit: Int) {
        self.entryLimit = max(0, entryLimit)
        self.byteLimit = max(0, byteLimit)
    }

    var count: Int { index.count }

    /// The fresh answer of a key.
    mutating func lookUp(_ key: CacheKey, at moment: Moment) -> StoredResponse? {
        guard let slot = index[key], let response = slots[slot].response else { return nil }
        guard response.isFresh(at: moment) else {
            remove(slot)
            return nil
        }
        slots[slot].wasUsed = true
        return response
    }

    /// Keeps an answer, and evicts others until it fits.
    ///
    /// One that alone is too big is not kept.
    mutating func insert(_ response: StoredResponse, for key: CacheKey) {
        if let present = index[key] { remove(present) }
        let cost = MemoryStore.cost(of: response, key)
        guard cost <= byteLimit, entryLimit > 0 else { return }
        while count >= entryLimit || bytes + cost > byteLimit {
            evictOne()
        }
        let slot = takeSlot()
        slots[slot] = Slot(key: key, response: response, cost: cost, older: newest)
        if newest >= 0 { slots[newest].newer = slot }
        newest = slot
        if oldest < 0 { oldest = slot }
        index[key] = slot
        bytes += cost
        for entry in response.guards {
            tagged[entry.tag, default: []].insert(slot)
        }
    }

    /// Drops every answer with this tag; returns how many there were.
    @discardableResult
    mutating func remove(tagged tag: CacheTag) -> Int {
        guard let slots = tagged[tag] else { return 0 }
        for slot in slots { remove(slot) }
        return slots.count
    }

    mutating func removeAll() {
        self = MemoryStore(entryLimit: entryLimit, byteLimit: byteLimit)
    }

    private mutating func evictOne() {
        var candidate = hand >= 0 ? hand : oldest
        // Bounded: where all were used, the hand would pass them all while every look-up waits.
        var steps = 0
        while candidate >= 0, slots[candidate].wasUsed, steps < MemoryStore.stepLimit {
            steps += 1
            slots[candidate].wasUsed = false
            candidate = slots[candidate].newer >= 0 ? slots[candidate].newer : oldest
        }
        guard candidate >= 0 else { return }
        hand = candidate
        remove(candidate)
    }

    private mutating func remove(_ slot: Int) {
        let removed = slots[slot]
        guard let key = removed.key else { return }
        if removed.newer >= 0 { slots[removed.newer].older = removed.older }
        if removed.older >= 0 { slots[removed.older].newer = removed.newer }
        if newest == slot { newest = removed.older }
        if oldest == slot { oldest = removed.newer }
        if hand == slot { hand = removed.newer }
        for entry in removed.response?.guards ?? [] {
            tagged[entry.tag]?.remove(slot)
            if tagged[entry.tag]?.isEmpty == true { tagged[entry.tag] = nil }
        }
        index[key] = nil
        bytes -= removed.cost
        slots[slot] = Slot()
        free.append(slot)
    }

    private mutating func takeSlot() -> Int {
        if let slot = free.popLast() { return slot }
        slots.append(Slot())
        return slots.count - 1
    }

    private static func cost(of response: StoredResponse, _ key: CacheKey) -> Int {
        var cost = entryOverhead + key.bytes.count
        cost += response.head.storageCapacity + response.body.storageCapacity
        cost += response.notModifiedHead?.storageCapacity ?? 0
        for entry in response.guards { cost += entry.tag.text.utf8.count + 96 }
        return cost
    }
}
