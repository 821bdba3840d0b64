import Synchronization

// What is read from a server and kept in memory is true of that server's data. A failover or a
// restart may bring other data, older by a second; what follows from memory must not reach it.
//
//   greeting of a connection ── same identity ──▶ the epoch goes on
//                            └─ another, or not known ──▶ a new one
//
//   a call for epoch 3 ──▶ waits through a reconnect ──▶ epoch 4: not sent, `epochOver`

/// A time during which a client's servers hold the same data, as far as can be told.
///
/// An epoch may end on a healthy server, and FLUSHALL does not end it. It costs a second look
/// and proves nothing.
public struct RedisEpoch: Hashable, Sendable {
    fileprivate var number: Int

    /// An epoch by its number, from 0, with which a client begins.
    package init(_ number: Int = 0) {
        self.number = number
    }
}

/// Tells one epoch from the next.
final class EpochRegister: Sendable {
    private struct State {
        var epoch = RedisEpoch()
        /// Nil before the first greeting, and when the server does not say.
        var identity: ServerIdentity?
        var isGreeted = false
    }

    private let state = Mutex(State())
    private let asked = Atomic(false)

    /// Whether anybody tells epochs apart. Without that, no connection needs the right to INFO.
    var isWanted: Bool { asked.load(ordering: .relaxed) }

    var current: RedisEpoch {
        if !isWanted { asked.store(true, ordering: .relaxed) }
        return state.withLock { $0.epoch }
    }

    /// Takes what a server said when a connection was made, and returns the epoch it belongs to.
    ///
    /// - Parameters:
    ///   - identity: nil if the server did not say whose data it holds.
    ///   - isFirst: whether it is the first link of its connection, which has nothing in memory.
    func greeted(by identity: ServerIdentity?, isFirst: Bool) -> RedisEpoch {
        state.withLock { state in
            let isSame = identity == nil ? isFirst : identity == state.identity
            if state.isGreeted, !isSame { state.epoch.number += 1 }
            state.isGreeted = true
            state.identity = identity
            return state.epoch
        }
    }
}

extension RedisError {
    static let epochOver = RedisError(.epochOver, "Redis may hold other data by now")
}
