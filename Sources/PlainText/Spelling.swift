/// Finds what was probably meant.
package enum Spelling {
    /// Letters to insert, remove or replace, and neighbours to swap, to make one word the other.
    package static func distance(_ one: String, _ other: String) -> Int {
        let one = Array(one.utf8)
        let other = Array(other.utf8)
        var before: [Int] = []
        var last = Array(0...other.count)
        for (line, letter) in one.enumerated() {
            var row = [line + 1]
            for (column, wanted) in other.enumerated() {
                var least = min(
                    last[column + 1] + 1, row[column] + 1,
                    last[column] + (letter == wanted ? 0 : 1))
                if line > 0, column > 0, letter == other[column - 1], one[line - 1] == wanted {
                    least = min(least, before[column - 1] + 1)
                }
                row.append(least)
            }
            (before, last) = (last, row)
        }
        return last[other.count]
    }

    /// The nearest of `known`, if any is near enough to be meant.
    package static func nearest(to word: String, of known: some Sequence<String>) -> String? {
        let best = known.map { (word: $0, distance: distance($0, word)) }
            .min { ($0.distance, $0.word) < ($1.distance, $1.word) }
        guard let best, best.distance <= max(2, word.count / 2) else { return nil }
        return best.word
    }

    /// The nearest of a few short names, in any case, if it is close enough to be a slip.
    package static func slip(_ typed: String, of names: [String]) -> String? {
        // Nobody slips for longer.
        let typed = String(typed.lowercased().prefix(40))
        let ranked = names.map { (name: $0, distance: distance(typed, $0.lowercased())) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }),
            best.distance <= max(1, best.name.count / 3)
        else { return nil }
        return best.name
    }
}
