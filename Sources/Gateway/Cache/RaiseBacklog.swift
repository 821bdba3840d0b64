/// What the second level has not heard of yet: raises to be done, and own writes that the other
/// gateways are to be told of; pure.
struct RaiseBacklog {
    private let limit: Int
    private var raises: [Invalidation] = []
    private var underWay = 0
    private var announcements: [Invalidation] = []

    /// What one raise carries; more would hold a connection's other commands back.
    private static let batch = 128

    /// - Parameter limit: invalidations that may wait of each kind.
    init(limit: Int) {
        self.limit = limit
    }

    /// So many raises take all that can wait at one time.
    static func raises(within limit: Int) -> Int { limit / batch + 1 }

    /// Whether nothing waits and nothing is under way.
    var isEmpty: Bool { raises.isEmpty && underWay == 0 && announcements.isEmpty }

    /// Keeps invalidations whose raise is still to be done.
    ///
    /// - Returns: whether more wait than may.
    mutating func postpone(_ invalidations: [Invalidation]) -> Bool {
        raises += invalidations
        return raises.count > limit
    }

    /// Gives up all raises that wait.
    mutating func giveUp() -> [Invalidation] {
        defer { raises = [] }
        return raises
    }

    /// The oldest that are to be raised; if there are any, a raise begins.
    mutating func next() -> [Invalidation] {
        let next = Array(raises.prefix(Self.batch))
        raises.removeFirst(next.count)
        if !next.isEmpty { raiseBegins() }
        return next
    }

    /// A raise is under way, which ends with `raiseEnded`.
    mutating func raiseBegins() { underWay += 1 }

    mutating func raiseEnded() { underWay -= 1 }

    /// Keeps an own write that the others have not been told of.
    ///
    /// Over the limit the oldest is forgotten: the others then give its old answer until its end.
    mutating func postponeAnnouncement(_ invalidation: Invalidation) {
        if announcements.count >= limit { announcements.removeFirst() }
        announcements.append(invalidation)
    }

    mutating func takeAnnouncements() -> [Invalidation] {
        defer { announcements = [] }
        return announcements
    }
}
