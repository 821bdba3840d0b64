import CloudEvents
package import Saga

/// Groups and what is pending in them, as `EventTransport` promises it.
extension MemoryData {
    /// Makes a group that is missing, before everything in its stream.
    package mutating func ensure(group name: String, of stream: String) {
        var known = streams[stream] ?? Stream()
        known.groups[name] = known.groups[name] ?? known.newGroup(name)
        known.known.insert(name)
        streams[stream] = known
    }

    /// Gives a group's consumer what nobody had yet.
    package mutating func read(
        _ stream: String, group name: String, consumer: String, count: Int,
        at now: ContinuousClock.Instant
    ) -> [(entry: Entry, mayBeOld: Bool)] {
        guard var known = streams[stream] else { return [] }
        // As most of the time.
        if let group = known.groups[name], group.lastDelivered >= known.lastNumber { return [] }
        var group = known.groups[name] ?? known.newGroup(name)
        known.known.insert(name)
        let first = known.entries.partitioningIndex { $0.number > group.lastDelivered }
        let entries = Array(known.entries[first...].prefix(count))
        for entry in entries {
            group.lastDelivered = entry.number
            group.pending[entry.number] = Pending(consumer: consumer, touched: now, deliveries: 1)
        }
        known.groups[name] = group
        streams[stream] = known
        return entries.map { ($0, $0.number <= group.mayBeOldUpTo) }
    }

    /// What a consumer has and did not acknowledge.
    package func pending(
        _ stream: String, group name: String, consumer: String, after: Int, idle: Duration,
        count: Int, at now: ContinuousClock.Instant
    ) -> [Int] {
        guard let pending = streams[stream]?.groups[name]?.pending else { return [] }
        return Array(
            pending.filter {
                $0.key > after && $0.value.consumer == consumer && now - $0.value.touched >= idle
            }.keys.sorted().prefix(count))
    }

    /// What became of an entry that a consumer wants to have again.
    enum Fetched {
        case entry(Entry, deliveries: Int)
        case gone, anothers
    }

    /// Gives a consumer again what it has and did not acknowledge, which counts as a delivery.
    mutating func fetch(
        _ number: Int, of stream: String, group name: String, consumer: String,
        at now: ContinuousClock.Instant
    ) -> Fetched {
        guard let pending = streams[stream]?.groups[name]?.pending[number],
            pending.consumer == consumer
        else { return .anothers }
        guard let entry = entry(number, of: stream) else { return .gone }
        return .entry(entry, deliveries: touch(number, of: stream, name, consumer, now))
    }

    /// How large an entry is that is there.
    package func size(_ number: Int, of stream: String) -> Int {
        entry(number, of: stream)?.bytes.count ?? 0
    }

    /// Makes what one consumer holds pending for another.
    package mutating func takeOver(
        _ stream: String, group name: String, from consumer: String, to other: String,
        idle: Duration, count: Int, at now: ContinuousClock.Instant
    ) -> (count: Int, goneCount: Int) {
        let numbers = pending(
            stream, group: name, consumer: consumer, after: 0, idle: idle, count: count, at: now)
        let gone = numbers.filter { entry($0, of: stream) == nil }
        for number in gone { streams[stream]?.groups[name]?.pending[number] = nil }
        renew(stream, group: name, consumer: other, numbers: numbers, at: now)
        return (numbers.count - gone.count, gone.count)
    }

    /// Bears a name for a while; false if another process does.
    package mutating func claim(
        _ name: String, of service: String, _ token: String, until end: ContinuousClock.Instant,
        at now: ContinuousClock.Instant
    ) -> Bool {
        if let bearer = bearer(of: name, service, at: now), bearer != token { return false }
        consumers[service, default: [:]][name] = Consumer(token: token, end: end)
        return true
    }

    /// Who bears a name.
    package func bearer(
        of name: String, _ service: String, at now: ContinuousClock.Instant
    ) -> String? {
        consumers[service]?[name].flatMap { $0.end > now ? $0.token : nil }
    }

    package mutating func release(_ name: String, of service: String) {
        consumers[service]?[name] = nil
    }

    /// All consumers of a service but one, with the positions of streams of which they hold any.
    package func sightings(
        in streams: [String], of service: String, but own: String,
        at now: ContinuousClock.Instant
    ) -> [ConsumerSighting] {
        var found: [String: ConsumerSighting] = [:]
        func see(_ name: String, _ idle: Duration, holds position: Int?) {
            var sighting =
                found[name]
                ?? ConsumerSighting(
                    name: name, isAlive: bearer(of: name, service, at: now) != nil, idle: idle,
                    pending: [])
            sighting.idle = min(sighting.idle, idle)
            if let position { sighting.pending.insert(position) }
            found[name] = sighting
        }
        for name in (consumers[service] ?? [:]).keys { see(name, .seconds(3600), holds: nil) }
        for (position, stream) in streams.enumerated() {
            for pending in (self.streams[stream]?.groups[service]?.pending ?? [:]).values {
                see(pending.consumer, now - pending.touched, holds: position)
            }
        }
        return found.values.filter { $0.name != own }.sorted { $0.name < $1.name }
    }

    /// Touches entries without counting a delivery.
    package mutating func renew(
        _ stream: String, group name: String, consumer: String, numbers: [Int],
        at now: ContinuousClock.Instant
    ) {
        for number in numbers {
            guard var pending = streams[stream]?.groups[name]?.pending[number] else { continue }
            pending.consumer = consumer
            pending.touched = now
            streams[stream]?.groups[name]?.pending[number] = pending
        }
    }

    package mutating func acknowledge(_ stream: String, group name: String, numbers: [Int]) {
        for number in numbers { streams[stream]?.groups[name]?.pending[number] = nil }
    }

    /// An entry that a group has yet to deal with.
    struct Owed {
        var stream: String
        var group: String
        var number: Int
        /// Whether somebody has taken it.
        var isRead: Bool
    }

    /// What groups have yet to deal with; of what they have not read, the next entry.
    var owed: [Owed] {
        streams.sorted { $0.key < $1.key }.flatMap { name, stream in
            stream.groups.sorted { $0.key < $1.key }.flatMap { group, state in
                var owed = state.pending.keys.sorted().map {
                    Owed(stream: name, group: group, number: $0, isRead: true)
                }
                let next = state.lastDelivered + 1
                if next <= stream.lastNumber {
                    owed.append(Owed(stream: name, group: group, number: next, isRead: false))
                }
                return owed
            }
        }
    }

    /// Lets a group never deal with an entry.
    mutating func lose(_ owed: Owed) {
        guard var group = streams[owed.stream]?.groups[owed.group] else { return }
        if group.pending.removeValue(forKey: owed.number) == nil {
            group.lastDelivered = max(group.lastDelivered, owed.number)
        }
        streams[owed.stream]?.groups[owed.group] = group
    }

    /// How many entries of a stream a group has not read.
    package func lag(_ stream: String, group name: String) -> Int {
        guard let known = streams[stream] else { return 0 }
        let last = known.groups[name]?.lastDelivered ?? 0
        return known.entries.count - known.entries.partitioningIndex { $0.number > last }
    }

    private mutating func touch(
        _ number: Int, of stream: String, _ group: String, _ consumer: String,
        _ now: ContinuousClock.Instant
    ) -> Int {
        let before = streams[stream]?.groups[group]?.pending[number]?.deliveries ?? 0
        streams[stream]?.groups[group]?.pending[number] = Pending(
            consumer: consumer, touched: now, deliveries: before + 1)
        return before + 1
    }

    private func entry(_ number: Int, of stream: String) -> Entry? {
        guard let entries = streams[stream]?.entries else { return nil }
        let index = entries.partitioningIndex { $0.number >= number }
        return index < entries.count && entries[index].number == number ? entries[index] : nil
    }
}

extension MemoryData.Stream {
    /// A group before everything in the stream.
    fileprivate func newGroup(_ name: String) -> MemoryData.Group {
        var group = MemoryData.Group()
        if PlantedFault.isPlanted(.groupsBeginAtTheEnd) { group.lastDelivered = lastNumber }
        let mayBeOld = known.contains(name) && !PlantedFault.isPlanted(.redeliveredCountsAsNew)
        if mayBeOld { group.mayBeOldUpTo = lastNumber }
        return group
    }
}

extension Array {
    /// The first index whose element satisfies a predicate that holds for a suffix.
    fileprivate func partitioningIndex(where isInSuffix: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isInSuffix(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
