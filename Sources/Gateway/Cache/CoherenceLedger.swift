// When may an answer be kept, joined, or believed? Decided here, without a clock or a socket, so
// that every interleaving can be explored (Tests/GatewayExplorationTests/CoherenceTests.swift).
//
// An event changes what a tag names. Each gateway *takes* the event when it hears of it, and
// raises the tag's generation in the second level:
//
//   take(T) ─────────── raise T … ────────── settled(T)
//   L1 forgets T        second level        second level has the
//   fills overtaken     not believed for T  new generation
//
//   fill     begin ── watch(T) ── generations read ── part fetched ── finish: keep?
//   reading  begin ── entry read ── generations read ── believes(T…)?
//
// Rules, each of which the exploration shows to be needed:
//   1. A fill watches a tag before the part guarded by it is fetched. A tag taken after that has
//      overtaken the fill: its result is not kept here, and no request joins it from then on.
//   2. An entry of the second level is not believed if one of its tags was taken or settled
//      since the reading began, or is being raised: the reading may have come before the raise.
//      So nothing depends on the order of commands on one connection.
//   3. While suspended (events may be missed) nothing is kept in L1 or believed from the second
//      level, and what was under way then is not kept either.
//   4. A tag that only the answer itself tells of was not watched before it was fetched. The
//      answer can be kept here if the tag was not taken since the fill began, and is kept for
//      nobody else: whether another gateway heard of a change meanwhile is not known.
//   5. Nothing is given from memory later than the last sign allows that no event was missed. A
//      process that slept finds that moment past, whatever it has been told by then.

/// What this gateway knows about changes, fills and raises.
///
/// One value under the cache's lock.
struct CoherenceLedger: Hashable, Sendable {
    /// A fill under way.
    struct Fill: Hashable, Sendable {
        let number: UInt64
    }

    /// A look into the second level under way.
    struct Reading: Hashable, Sendable {
        let number: UInt64
        let begun: UInt64
    }

    /// What may become of what a fill fetched.
    enum Ending {
        /// It may be kept.
        case sound
        /// Events may have been missed meanwhile: it may be kept for others, not in this process.
        case blind
        /// What it tells about changed meanwhile: it is of no use to any later request.
        case overtaken
    }

    private struct FillState: Hashable, Sendable {
        let begun: UInt64
        var watched: Set<CacheTag> = []
        /// Something it tells about changed since it watched for it.
        var isOvertaken = false
        /// It ran, in part at least, while events may have been missed.
        var isBlind: Bool
    }

    /// While more tags than this are remembered for readings, all readings under way are void.
    private static let touchedLimit = 65_536

    /// Whether events may be missed at present.
    private(set) var isSuspended: Bool
    /// Until when no event was missed, as far as is known; always past while suspended.
    private(set) var trustedUntil: Moment
    /// Rises with everything that can make a reading void.
    private(set) var now: UInt64 = 0
    private var lastNumber: UInt64 = 0
    private var fills: [Fill: FillState] = [:]
    private var watchers: [CacheTag: Set<Fill>] = [:]
    private var readings: Set<Reading> = []
    /// When a tag was last taken or settled; kept only while a reading or a fill could ask.
    private var touched: [CacheTag: UInt64] = [:]
    /// Readings begun before this are void.
    private var floor: UInt64 = 0
    private var raising: [CacheTag: Int] = [:]
    /// So many raises are due that all entries shall become invalid instead.
    ///
    /// Counts how often that was asked for; nil if it is settled.
    private(set) var raisingAllRound: Int?
    private var raisingAllRounds = 0

    init(isSuspended: Bool) {
        self.isSuspended = isSuspended
        trustedUntil = isSuspended ? .earliest : .latest
    }

    // MARK: - Fills

    mutating func beginFill() -> Fill {
        lastNumber += 1
        let fill = Fill(number: lastNumber)
        fills[fill] = FillState(begun: now, isBlind: isSuspended)
        return fill
    }

    /// The fill is about to read the generations of these tags, and then to fetch.
    mutating func watch(_ tags: [CacheTag], by fill: Fill) {
        guard fills[fill] != nil else { return }
        for tag in tags where fills[fill]?.watched.insert(tag).inserted == true {
            watchers[tag, default: []].insert(fill)
        }
    }

    /// The answer that the fill fetched tells of these tags, which nobody knew before.
    ///
    /// Overtakes the fill if one of them changed since it began.
    mutating func learn(_ tags: [CacheTag], by fill: Fill) {
        guard let state = fills[fill] else { return }
        let fresh = tags.filter { !state.watched.contains($0) }
        let isOld = state.begun < floor || fresh.contains { touched[$0, default: 0] > state.begun }
        if isOld, !fresh.isEmpty { fills[fill]?.isOvertaken = true }
        watch(fresh, by: fill)
    }

    /// The fill is done.
    mutating func finish(_ fill: Fill) -> Ending {
        guard let state = fills.removeValue(forKey: fill) else { return .overtaken }
        for tag in state.watched {
            watchers[tag]?.remove(fill)
            if watchers[tag]?.isEmpty == true { watchers[tag] = nil }
        }
        forgetTouched()
        if state.isOvertaken { return .overtaken }
        return state.isBlind ? .blind : .sound
    }

    // MARK: - Readings of the second level

    mutating func beginReading() -> Reading {
        lastNumber += 1
        let reading = Reading(number: lastNumber, begun: now)
        readings.insert(reading)
        return reading
    }

    /// Whether what was read about these tags can be relied on.
    func believes(
        _ tags: some Sequence<CacheTag>, from reading: Reading, at moment: Moment
    ) -> Bool {
        guard moment < trustedUntil, raisingAllRound == nil, reading.begun >= floor else {
            return false
        }
        return tags.allSatisfy { raising[$0] == nil && touched[$0, default: 0] <= reading.begun }
    }

    mutating func end(_ reading: Reading) {
        readings.remove(reading)
        forgetTouched()
    }

    /// Whether the second level has heard of every change of these tags.
    func isSettled(_ tags: some Sequence<CacheTag>) -> Bool {
        raisingAllRound == nil && tags.allSatisfy { raising[$0] == nil }
    }

    // MARK: - Changes

    /// These tags changed, and their raise is on its way.
    ///
    /// Returns the fills overtaken by it.
    mutating func take(_ tags: some Sequence<CacheTag>) -> [Fill] {
        var overtaken: [Fill] = []
        for tag in tags {
            raising[tag, default: 0] += 1
            touch(tag)
            for fill in watchers[tag] ?? [] where fills[fill]?.isOvertaken == false {
                fills[fill]?.isOvertaken = true
                overtaken.append(fill)
            }
        }
        return overtaken
    }

    /// The second level has raised these tags.
    mutating func settled(_ tags: some Sequence<CacheTag>) {
        for tag in tags {
            guard let count = raising[tag] else { continue }
            raising[tag] = count > 1 ? count - 1 : nil
            touch(tag)
        }
    }

    /// Single raises are given up for one that makes every entry invalid.
    ///
    /// Until it is settled nothing in the second level is believed.
    mutating func beginRaisingAll() {
        raisingAllRounds += 1
        raisingAllRound = raisingAllRounds
    }

    /// Anything may have changed.
    ///
    /// Returns all fills.
    mutating func overtakeAll() -> [Fill] {
        voidReadings()
        for fill in fills.keys { fills[fill]?.isOvertaken = true }
        return Array(fills.keys)
    }

    /// The second level has made every entry invalid, as was asked for in this round.
    mutating func settledAll(round: Int) {
        guard raisingAllRound == round else { return }
        raisingAllRound = nil
        voidReadings()
    }

    // MARK: - Suspension

    /// From here on events may be missed.
    ///
    /// Returns all fills; none is joined any more or kept.
    mutating func suspend() -> [Fill] {
        isSuspended = true
        trustedUntil = .earliest
        voidReadings()
        for fill in fills.keys { fills[fill]?.isBlind = true }
        return Array(fills.keys)
    }

    /// Events arrive, and those missed have been raised.
    mutating func resume(until moment: Moment) {
        isSuspended = false
        trustedUntil = moment
        voidReadings()
    }

    /// A new sign that no event was missed.
    mutating func trust(until moment: Moment) {
        if !isSuspended, moment > trustedUntil { trustedUntil = moment }
    }

    private mutating func touch(_ tag: CacheTag) {
        now += 1
        guard !readings.isEmpty || !fills.isEmpty else { return }
        touched[tag] = now
        if touched.count > CoherenceLedger.touchedLimit { voidReadings() }
    }

    private mutating func forgetTouched() {
        guard readings.isEmpty, fills.isEmpty, !touched.isEmpty else { return }
        touched.removeAll(keepingCapacity: touched.count < 64)
    }

    private mutating func voidReadings() {
        now += 1
        floor = now
        touched.removeAll()
    }
}
