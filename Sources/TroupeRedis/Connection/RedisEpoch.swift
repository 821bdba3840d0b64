import Synchronization

// What is read from a server and kept in memory is true of that server's data. A failover or a
// restart may bring other data, older by a second; what follows from memory must not reach it.
//
//   greeting of a connection ── same identity ──▶ the epoch goes on
//                            └─ another, or not known ──▶ a new one
//
//   a call for epoch 3 ──▶ waits through a reconnect ──▶ epoch 4: not sent, `epochOver`
//
// Connections greet one after another: one whose link is of an epoch that has ended is made again.

/// A time during which a client's servers hold the same data, as far as can be told.
///
/// An epoch may end on a healthy server, and FLUSHALL does not end it. It costs a second look
/// and proves nothing.
public struct RedisEpoch: Hashable, Comparable, Sendable {
    /// Which one, from 0.
    package fileprivate(set) var number: Int

    /// An epoch by its number, from 0, with which a client begins.
    package init(_ number: Int = 0) {
        self.number = number
    }

    /// Whether the first of two epochs of one client came before the second.
    public static func < (one: RedisEpoch, other: RedisEpoch) -> Bool {
        one.number < other.number
    }
}

/// Tells one epoch from the next.
final class EpochRegister: Sendable {
    private struct State {
        var epoch = RedisEpoch()
        /// Nil before the first greeting, and when the server does not say.
        var identity: ServerIdentity?
    }

    private let state = Mutex(State())
    private let asked = Atomic(false)

    /// Whether anybody tells epochs apart.
    ///
    /// Without that, no connection needs the right to INFO.
    var isWanted: Bool { asked.load(ordering: .relaxed) }

    /// The present epoch, for somebody who tells them apart from now on.
    func follow() -> RedisEpoch {
        if !isWanted { asked.store(true, ordering: .relaxed) }
        return state.withLock { $0.epoch }
    }

    /// Takes what a server said when a connection was made, and returns the epoch it belongs to.
    ///
    /// - Parameters:
    ///   - identity: nil if the server did not say whose data it holds.
    ///   - previous: the epoch of the connection's link before; nil if it is the first.
    func greeted(by identity: ServerIdentity?, after previous: RedisEpoch?) -> RedisEpoch {
        state.withLock { state in
            guard isWanted else { return state.epoch }
            let goesOn: Bool
            if let identity {
                goesOn = state.identity == nil ? previous == nil : identity == state.identity
            } else {
                // Another's loss has begun this epoch, or nothing was known before.
                goesOn = previous != state.epoch
            }
            if !goesOn { state.epoch.number += 1 }
            if goesOn, identity == nil { return state.epoch }
            state.identity = identity
            return state.epoch
        }
    }

    /// Takes what a server said over a connection that was made before anybody asked.
    func learned(_ identity: ServerIdentity) -> RedisEpoch {
        state.withLock { state in
            if state.identity != nil, state.identity != identity { state.epoch.number += 1 }
            state.identity = identity
            return state.epoch
        }
    }
}

/// What one connection knows of the epoch that its link belongs to.
///
/// A value of the connection's event loop; the register behind it is the client's.
struct LinkEpoch {
    private let register: EpochRegister?
    /// Nil before the first link.
    private var current: RedisEpoch?
    /// Whose data the link's server holds, as it said when it was first asked.
    private var identity: ServerIdentity?
    /// Counts the links, so that what was heard over one is not held against the next.
    private(set) var link = 0
    /// Whether the link's server was seen to lead, and how often to follow another.
    private var hasLed = false
    private var looksAtReplica = 0
    /// So often a server may be seen to follow before it is tried whether another answers there.
    private static let looksMaximum = 5

    init(_ register: EpochRegister?) {
        self.register = register
    }

    var asksIdentity: Bool { register?.isWanted ?? false }

    /// Whether a call for that epoch, or for any, may go out over the link.
    func permits(_ wanted: RedisEpoch?) -> Bool { wanted == nil || wanted == current }

    /// A new link is ready; true if it leads to other data than the one before.
    mutating func greeted(by identity: ServerIdentity?) -> Bool {
        let before = current
        link += 1
        hasLed = false
        looksAtReplica = 0
        self.identity = identity
        current = register?.greeted(by: identity, after: before)
        return before != nil && current != before
    }

    /// Takes whether the server follows another now; true if the link has to go: what it holds
    /// grows old, and the address may lead elsewhere by now.
    mutating func isDemoted(_ isReplica: Bool, asked number: Int) -> Bool {
        guard number == link else { return false }
        guard isReplica else {
            hasLed = true
            looksAtReplica = 0
            return false
        }
        looksAtReplica += 1
        return hasLed || looksAtReplica >= Self.looksMaximum
    }

    /// Takes what the server said over link number `asked`; true if the link has to go: its epoch
    /// has ended, or its server holds other data than it did.
    mutating func isOver(after answer: ServerIdentity?, asked number: Int) -> Bool {
        guard let register, number == link else { return false }
        if let answer, identity == nil {
            // Nobody had asked when it greeted.
            identity = answer
            current = register.learned(answer)
        }
        let isOther = answer != nil && answer != identity
        return isOther || current != register.follow()
    }
}

extension RedisError {
    static let epochOver = RedisError(.epochOver, "Redis may hold other data by now")
}
