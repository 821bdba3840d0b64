/// Finds entries by kind, key and reference without looking at the others.
struct BookIndex: Sendable {
    private struct Place: Hashable {
        var kind: SandboxRequest.Kind
        var text: String
    }

    private var byKey: [Place: Int] = [:]
    private var byReference: [Place: [Int]] = [:]
    private var byKind: [SandboxRequest.Kind: [Int]] = [:]

    mutating func add(_ entry: BookEntry) {
        let kind = entry.request.kind
        byKey[Place(kind: kind, text: entry.key)] = entry.number
        byReference[Place(kind: kind, text: entry.reference), default: []].append(entry.number)
        byKind[kind, default: []].append(entry.number)
    }

    /// The number of the entry of that kind and key.
    func number(_ kind: SandboxRequest.Kind, key: String) -> Int? {
        byKey[Place(kind: kind, text: key)]
    }

    /// Numbers of a kind, ascending, all above `last`; for one reference only if it is given.
    func numbers(
        _ kind: SandboxRequest.Kind, reference: String?, after last: Int, limit: Int
    ) -> ArraySlice<Int> {
        let all =
            if let reference {
                byReference[Place(kind: kind, text: reference)] ?? []
            } else {
                byKind[kind] ?? []
            }
        var low = 0
        var high = all.count
        while low < high {
            let middle = (low + high) / 2
            if all[middle] > last { high = middle } else { low = middle + 1 }
        }
        return all[low...].prefix(limit)
    }
}
