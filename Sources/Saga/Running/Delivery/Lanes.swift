import DequeModule

/// Which entries run and which wait; pure.
///
/// Entries of one saga run one after another, in the order in which they came; sagas run side
/// by side; everything is bounded.
///
///     reserve ──▶ admit ──▶ running ──finish──▶ next of the same saga, or the lane is gone
///                             │  ▲
///                        park │  │ resume
///                             ▼  │
///                            parked: it holds no slot, but what comes for its saga waits
///
/// A lane whose work cannot be ended runs on without a slot as well: that is lent.
///
/// A slot is reserved before a read and kept until its entry is finished, so that nothing is
/// read that cannot start soon: entries that wait here grow old and are taken over by others.
struct Lanes {
    enum Admission { case start, wait, duplicate }

    private enum Standing { case active, parked, lent }

    private struct Lane {
        var current: HeldEntry
        /// What goes before all else that waits, and all else.
        var first: Deque<HeldEntry> = []
        var rest: Deque<HeldEntry> = []
        var standing = Standing.active

        var count: Int { 1 + first.count + rest.count }
        var bytes: Int { all.reduce(0) { $0 + $1.size } }
        var all: [HeldEntry] { [current] + first + rest }

        func contains(_ isIt: (HeldEntry) -> Bool) -> Bool {
            isIt(current) || first.contains(where: isIt) || rest.contains(where: isIt)
        }

        /// The next one, which it goes on to; nil if none waits.
        mutating func turn() -> HeldEntry? {
            guard let next = first.popFirst() ?? rest.popFirst() else { return nil }
            current = next
            return next
        }
    }

    private let concurrency: Int
    private let parkedMaximum: Int
    private let bytesMaximum: Int
    private var lanes: [String: Lane] = [:]
    private var reserved = 0
    /// Entries that hold a slot, whether they run or wait behind one of their saga.
    private(set) var active = 0
    /// Entries in lanes that wait for another try.
    private(set) var parked = 0
    /// Entries in lanes that run while others may have their slots.
    private(set) var lent = 0
    /// What all of them take up.
    private(set) var bytes = 0

    init(concurrency: Int, parkedMaximum: Int, bytesMaximum: Int = .max) {
        self.concurrency = concurrency
        self.parkedMaximum = parkedMaximum
        self.bytesMaximum = bytesMaximum
    }

    var isEmpty: Bool { lanes.isEmpty }

    var hasFreeSlot: Bool { free > 0 }

    private var free: Int { max(0, concurrency - active - reserved) }

    /// Whether too much waits for another try already.
    ///
    /// What calls nobody goes on when what does has used up its share, as the end of what waits
    /// may be among it. It has as much again, above what runs when the share is used up and may
    /// be parked too.
    func isFull(callsOutside: Bool) -> Bool {
        parked >= (callsOutside ? parkedMaximum : 2 * parkedMaximum + concurrency)
    }

    /// Reserves up to `count` slots and returns how many; each is admitted or given back.
    ///
    /// - Parameter callsOutside: whether it is for what may wait for a company, and for long.
    mutating func reserve(upTo count: Int, callsOutside: Bool = true) -> Int {
        guard !isFull(callsOutside: callsOutside), bytes < bytesMaximum else { return 0 }
        let granted = min(count, free)
        reserved += granted
        return granted
    }

    mutating func giveBack(_ count: Int) {
        reserved -= count
    }

    /// Takes an entry in, on a reserved slot.
    ///
    /// - Parameter goesFirst: whether it goes before all that wait and do not.
    mutating func admit(_ entry: HeldEntry, goesFirst: Bool = false) -> Admission {
        reserved -= 1
        let key = entry.lane
        if case .unreadable = entry.content, holds(entry.id, of: entry.stream, in: entry.epoch) {
            return .duplicate
        }
        guard var lane = lanes[key] else {
            lanes[key] = Lane(current: entry)
            active += 1
            bytes += entry.size
            return .start
        }
        guard !lane.contains({ $0.isSame(as: entry) }) else { return .duplicate }
        bytes += entry.size
        if goesFirst { lane.first.append(entry) } else { lane.rest.append(entry) }
        add(1, to: lane.standing)
        lanes[key] = lane
        return .wait
    }

    /// The entry that runs, or waits for another try.
    func current(_ key: String) -> HeldEntry? { lanes[key]?.current }

    /// Ends the lane's entry and returns the next one.
    mutating func finish(_ key: String) -> HeldEntry? {
        guard let index = lanes.index(forKey: key) else { return nil }
        guard lanes.values[index].standing == .active else { return leave(key) }
        active -= 1
        bytes -= lanes.values[index].current.size
        guard let next = lanes.values[index].turn() else {
            lanes.remove(at: index)
            return nil
        }
        return next
    }

    /// Drops a lane with all that waits in it; its entries stay pending where they are.
    mutating func abandon(_ key: String) {
        guard let lane = lanes.removeValue(forKey: key) else { return }
        bytes -= lane.bytes
        add(-lane.count, to: lane.standing)
    }

    /// Ends the lane's entry, whether it has slots or not, and returns the next one.
    mutating func leave(_ key: String) -> HeldEntry? {
        guard var lane = lanes[key], lane.standing != .active else { return finish(key) }
        add(-lane.count, to: lane.standing)
        bytes -= lane.current.size
        guard let next = lane.turn() else {
            lanes[key] = nil
            return nil
        }
        lane.standing = .active
        lanes[key] = lane
        active += lane.count
        return next
    }

    /// All lanes, whether they run or are parked.
    var keys: some Sequence<String> { lanes.keys }

    /// Drops what waits and was read before this epoch; what runs goes on to its end.
    mutating func dropBefore(_ epoch: StoreEpoch) { dropWaiting { $0.epoch < epoch } }

    /// Drops what waits in lanes and is such; what runs goes on to its end.
    mutating func dropWaiting(_ isSuch: (HeldEntry) -> Bool = { _ in true }) {
        for (key, var lane) in lanes {
            let before = lane.count
            bytes -= lane.bytes
            lane.first.removeAll(where: isSuch)
            lane.rest.removeAll(where: isSuch)
            bytes += lane.bytes
            let dropped = before - lane.count
            guard dropped > 0 else { continue }
            lanes[key] = lane
            add(-dropped, to: lane.standing)
        }
    }

    /// Takes the slots of a lane whose entry waits for another try.
    mutating func park(_ key: String) { move(key, to: .parked) }

    /// Gives a parked lane its slots again; false if none is free.
    mutating func resume(_ key: String) -> Bool {
        guard isParked(key) else { return true }
        guard free > 0 else { return false }
        move(key, to: .active)
        return true
    }

    func isParked(_ key: String) -> Bool { lanes[key]?.standing == .parked }

    /// Lends the slots of a lane whose work cannot be ended; false if as many are lent as there
    /// are.
    mutating func lend(_ key: String) -> Bool {
        guard let lane = lanes[key], lane.standing == .active else { return true }
        guard lent + lane.count <= concurrency else { return false }
        move(key, to: .lent)
        return true
    }

    /// Counts a lane again whose work has come back, whoever has its slots: nothing more is read
    /// until they are free.
    mutating func takeBack(_ key: String) {
        if lanes[key]?.standing == .lent { move(key, to: .active) }
    }

    private mutating func move(_ key: String, to standing: Standing) {
        guard var lane = lanes[key], lane.standing != standing else { return }
        add(-lane.count, to: lane.standing)
        lane.standing = standing
        lanes[key] = lane
        add(lane.count, to: standing)
    }

    private mutating func add(_ count: Int, to standing: Standing) {
        switch standing {
        case .active: active += count
        case .parked: parked += count
        case .lent: lent += count
        }
    }

    /// Whether an entry is held, in whatever lane: what cannot be read has one of its own.
    private func holds(_ id: String, of stream: Int, in epoch: StoreEpoch) -> Bool {
        lanes.values.contains { lane in
            lane.contains { $0.id == id && $0.stream == stream && $0.epoch == epoch }
        }
    }

    /// Everything held that was read in an epoch, by stream.
    func held(in epoch: StoreEpoch) -> [Int: [String]] {
        var held: [Int: [String]] = [:]
        for lane in lanes.values {
            for entry in lane.all where entry.epoch == epoch {
                held[entry.stream, default: []].append(entry.id)
            }
        }
        return held
    }
}
