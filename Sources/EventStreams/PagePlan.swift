/// How much one read of a stream may bring.
///
///     500 entries, 4 MB ──too large, too slow──▶ 125, 1 MB ──▶ 31 ──▶ 7 ──▶ 1
///                                                                           │ three times
///                                                                           ▼
///                                                     1, and what is larger than 1 MB is named
///
/// Pure. What was cut stays so: reading on in small pages costs little, and whether larger ones
/// would come can only be tried by losing one.
package struct PagePlan: Hashable, Sendable {
    /// Entries of one page.
    package private(set) var count: Int
    /// Bytes of one page, of which its first entry alone may be more.
    package private(set) var bytes: Int
    /// A larger entry is named only.
    package private(set) var entryBytes: Int
    /// How often one entry alone was too much.
    private var failures = 0

    /// So often is an entry tried alone, and at least so large, before its size is the reason.
    private static let failuresMaximum = 3
    private static let slowBytes = 1024 * 1024
    /// What IDs, lengths and names may add to a page.
    private static let namesBytes = 256 * 1024

    package init(
        count: Int = 500, bytes: Int = 4 * 1024 * 1024, entryBytes: Int = 32 * 1024 * 1024
    ) {
        self.count = max(1, count)
        self.bytes = max(1, bytes)
        self.entryBytes = max(1, entryBytes)
    }

    /// What the reply to one read may have at most.
    var replyBytes: Int { max(bytes, entryBytes) + Self.namesBytes }

    /// The same for whoever takes no larger reply than this.
    func fitting(_ replyBytes: Int) -> PagePlan {
        var plan = self
        plan.bytes = max(1, min(bytes, replyBytes / 2))
        plan.entryBytes = max(1, min(entryBytes, replyBytes / 2))
        return plan
    }

    /// A read was too large, or did not come in time; false if less cannot be asked for.
    mutating func wasTooMuch() -> Bool {
        guard count == 1 else {
            count = max(1, count / 4)
            bytes = max(1, bytes / 4)
            return true
        }
        failures += 1
        guard failures >= Self.failuresMaximum else { return true }
        guard entryBytes > Self.slowBytes else { return false }
        entryBytes = Self.slowBytes
        failures = 0
        return true
    }

    /// What was too much before was not so because of its size.
    mutating func came() { failures = 0 }
}
