/// Which entries that were delivered before are tried together, and which of them brings processes
/// down; pure.
///
///   64 at once ──a process dies with them──▶ 8 at once ──again──▶ each alone ──again──▶ 1, 2, 3
///       │                                        │                    │                     │
///       └───────── come to their ends ───────────┴────────────────────┘               dead letter
///
/// What is tried is marked in the store before it is fetched, and that is all that is known of a
/// process that died. Only a death with exactly one entry marked says something of that entry; and
/// of it only that it may be so, as what comes for the first time runs beside. So one that is bad
/// stands alone in the end, and no other becomes a letter on its account.
struct Suspects: Hashable {
    /// An entry by the type of its stream and its ID.
    struct Entry: Hashable {
        var type: String
        var id: String
    }

    struct Record: Hashable {
        /// With how many at most it may be tried.
        var bound: Int
        /// How many processes died while it was the only one tried.
        var deaths = 0
    }

    /// How many are tried together, from the first time on.
    static let bounds = [64, 8, 1]
    /// Beyond that what is known of some is forgotten; they begin again.
    private static let recordsMaximum = 4096

    private let bounds: [Int]
    /// Those that were marked when a process died.
    private(set) var records: [Entry: Record] = [:]
    /// Those that are marked.
    private(set) var trying: [Entry] = []

    init(bounds: [Int] = Suspects.bounds) {
        self.bounds = bounds
    }

    private var widest: Int { bounds.first ?? 1 }

    private func bound(of entry: Entry) -> Int { records[entry]?.bound ?? widest }

    func deaths(of entry: Entry) -> Int { records[entry]?.deaths ?? 0 }

    /// Whom to try next of some that are pending: those that have to be fewest first.
    func group(among pending: [Entry]) -> [Entry] {
        let bound = pending.map { self.bound(of: $0) }.min() ?? widest
        return Array(pending.filter { self.bound(of: $0) == bound }.prefix(bound))
    }

    /// Marks a group.
    mutating func begin(_ group: [Entry]) {
        trying = group
        guard PlantedFault.isPlanted(.deliveriesCountAsDeaths) else { return }
        for entry in group {
            var record = records[entry] ?? Record(bound: widest)
            record.deaths += 1
            records[entry] = record
        }
    }

    /// The group has come to its end; nothing is held against any of it.
    mutating func end() {
        for entry in trying { records[entry] = nil }
        trying = []
    }

    /// Tries no more, as this process stops or could not fetch them; nothing follows from that.
    mutating func leave() { trying = [] }

    /// Takes what was known to a process that is dead, and what follows from its death.
    mutating func inherit(from dead: Suspects) {
        for (entry, record) in dead.records { merge(record, of: entry) }
        let size = dead.trying.count
        for entry in dead.trying {
            let next = bounds.first { $0 < size } ?? 1
            var record = records[entry] ?? Record(bound: widest)
            record.bound = min(record.bound, next)
            if size == 1 { record.deaths += 1 }
            merge(record, of: entry)
        }
    }

    private mutating func merge(_ record: Record, of entry: Entry) {
        guard records.count < Self.recordsMaximum || records[entry] != nil else { return }
        let known = records[entry] ?? record
        records[entry] = Record(
            bound: min(known.bound, record.bound), deaths: max(known.deaths, record.deaths))
    }
}

// What stands in the store: the token of the process, then a line for each entry: whether it is
// tried now, its bound, deaths, type and ID.
extension Suspects {
    /// Nothing if there is nothing to know.
    func text(of token: String) -> String {
        let marked = Set(trying)
        let rest = records.keys.filter { !marked.contains($0) }.sorted {
            ($0.type, $0.id) < ($1.type, $1.id)
        }
        guard !trying.isEmpty || !rest.isEmpty else { return "" }
        let lines = (trying + rest).map { entry in
            let record = records[entry] ?? Record(bound: widest)
            let state = marked.contains(entry) ? "trying" : "waiting"
            return "\(state) \(record.bound) \(record.deaths) \(entry.type) \(entry.id)"
        }
        return ([token] + lines).joined(separator: "\n")
    }

    /// What a text says and whose it is; lines that say nothing are passed over.
    static func parse(_ text: String) -> (token: String, suspects: Suspects) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var suspects = Suspects()
        for line in lines.dropFirst() {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 5, let bound = Int(words[1]), let deaths = Int(words[2]) else {
                continue
            }
            let entry = Entry(type: words[3], id: words[4])
            if bound < suspects.widest || deaths > 0 {
                suspects.merge(Record(bound: max(bound, 1), deaths: max(deaths, 0)), of: entry)
            }
            if words[0] == "trying" { suspects.trying.append(entry) }
        }
        return (lines.first.map(String.init) ?? "", suspects)
    }
}
