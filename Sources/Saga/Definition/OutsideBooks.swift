/// The books of a company outside: what it did for us, whatever our own store remembers.
///
/// Their clock and their memory are their own; they are read and never believed about anything but
/// what stands there.
public protocol OutsideBooks: Sendable {
    /// What was done for us, the oldest first.
    ///
    /// - Parameters:
    ///   - cursor: where the page before ended; nil for the first.
    ///   - time: what was made before that need not be told; milliseconds since 1970.
    func entries(after cursor: String?, since time: Int64) async throws -> OutsidePage

    /// What was done under a key; nil if nothing was.
    func entry(under key: String) async throws -> OutsideEntry?
}

/// Some entries of a company's books.
public struct OutsidePage: Sendable {
    /// In the order in which they were made.
    public var entries: [OutsideEntry]
    /// Where the next page begins; nil if this is the last.
    public var next: String?

    /// Some entries, and where the next begin.
    public init(_ entries: [OutsideEntry], next: String? = nil) {
        self.entries = entries
        self.next = next
    }
}

/// One thing that a company did for us.
public struct OutsideEntry: Hashable, Sendable {
    /// The key under which it was done.
    public var key: String
    /// When it was made, by the company's clock; milliseconds since 1970.
    public var made: Int64
    /// What can be done about it.
    public var standing: Standing

    /// Whether something stands, and may still be taken back.
    public enum Standing: Hashable, Sendable {
        /// It can be undone.
        case standing
        /// It stands for good.
        case final
        /// It was undone, or nothing came of it.
        case undone
    }

    /// An entry.
    public init(key: String, made: Int64, standing: Standing) {
        self.key = key
        self.made = made
        self.standing = standing
    }
}
