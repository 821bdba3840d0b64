// A message is the fast way, the stream is the truth. Each fence says how many entries the streams
// have got by the moment at which it was published, and all messages before it have been heard:
//
//   entries   e₀ ─────────── e₁ ─────────── e₂
//   fence        ▲              ▲              ▲
//   heard     h₀ ─────────── h₁ ─────────── h₂          e₁ − e₀ > h₁ − h₀: a message is missing
//
// The first fence of a subscription only gives e₀ and h₀. What lies before it has to be read from
// the streams, and so has what lies before a fence that shows a gap: the count goes on from there.

/// Compares the entries of streams with the messages that told of them.
///
/// Pure. A stream is known by its place in the list that the tally was made for.
struct DoorbellTally: Hashable, Sendable {
    private struct Count: Hashable, Sendable {
        var heard = 0
        /// Entries at the last fence, and messages heard by then; nil before the first.
        var added: Int?
        var heardThen = 0
    }

    /// Streams counted together: those of one type of event share a channel.
    private let types: [String]
    private let groups: [[Int]]
    private var counts: [String: Count] = [:]

    /// - Parameters:
    ///   - types: the type of event of each stream.
    ///   - groups: which streams each group of a fence counts.
    init(types: [String], groups: [[Int]]) {
        self.types = types
        self.groups = groups
    }

    /// A subscription begins: nothing heard before says anything.
    mutating func restart() { counts = [:] }

    /// A message told of an event of this type.
    mutating func heard(_ type: String) { counts[type, default: Count()].heard += 1 }

    /// A fence is back.
    ///
    /// Returns the types that have more entries, or others, than were told of.
    mutating func compare(_ fence: Fence) -> [String] {
        guard groups.indices.contains(fence.group), fence.added.count == groups[fence.group].count
        else { return [] }
        var sums: [String: Int] = [:]
        for (place, added) in zip(groups[fence.group], fence.added) {
            sums[types[place], default: 0] += added
        }
        var missing: [String] = []
        for (type, added) in sums {
            var count = counts[type] ?? Count()
            if let before = count.added {
                // Fewer entries than before: the stream was removed, and is another one now.
                let isAnother = added < before
                if isAnother || added - before > count.heard - count.heardThen {
                    missing.append(type)
                }
            }
            count.added = added
            count.heardThen = count.heard
            counts[type] = count
        }
        return missing.sorted()
    }
}

extension EventRules {
    /// The streams by their places, in groups that one node can count in one step: those of one
    /// service, and those of services that share a type of event and so a channel.
    var groups: [[Int]] {
        var groups: [[Int]] = []
        for (place, source) in sources.enumerated() {
            func belongs(_ group: [Int]) -> Bool {
                group.contains {
                    sources[$0].service == source.service || sources[$0].event == source.event
                }
            }
            let together = groups.filter(belongs).flatMap(\.self) + [place]
            groups = groups.filter { !belongs($0) } + [together.sorted()]
        }
        return groups.isEmpty ? [[]] : groups
    }
}
