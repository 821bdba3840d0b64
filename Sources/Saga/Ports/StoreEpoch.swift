/// A time during which a store holds the data that was read from it, as far as can be told.
///
/// It ends when the store may hold other data: an older copy after a failover or a restart. What
/// follows from something read goes out in the epoch of that reading, or not at all.
package struct StoreEpoch: Hashable, Comparable, Sendable {
    /// Which one; a later one has a higher number.
    package let number: Int

    /// An epoch by its number; 0 is the one with which a store begins.
    package init(_ number: Int = 0) {
        self.number = number
    }

    package static func < (one: StoreEpoch, other: StoreEpoch) -> Bool {
        one.number < other.number
    }
}
