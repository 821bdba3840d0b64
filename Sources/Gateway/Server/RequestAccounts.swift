import DequeModule

/// The accounts of one connection: every request is counted and logged once, when the last byte of
/// its answer is handed on, or when it is given up.
struct RequestAccounts {
    /// An answer of which some waits, and where its last byte stands in the queue.
    private struct Unsent {
        let end: Int
        var ended: EndedRequest
        let name: String
        let upstream: String?
    }

    private let group: ConnectionGroup
    private let identity: ConnectionIdentity
    private var unsent = Deque<Unsent>()

    init(_ group: ConnectionGroup, _ identity: ConnectionIdentity) {
        self.group = group
        self.identity = identity
    }

    /// An answer waits to be handed on.
    ///
    /// - Parameter end: where its last byte stands in the queue.
    mutating func wait(
        _ ended: EndedRequest, until end: Int, name: String, upstream: String? = nil
    ) {
        unsent.append(Unsent(end: end, ended: ended, name: name, upstream: upstream))
    }

    /// All up to a place in the queue is handed on.
    mutating func sent(upTo position: Int) {
        while let first = unsent.first, first.end <= position {
            unsent.removeFirst()
            log(first.ended, name: first.name, upstream: first.upstream)
        }
    }

    /// What waits behind a place in the queue is never handed on.
    mutating func cut(behind position: Int, status: Int) {
        while var first = unsent.popFirst() {
            first.ended.bytes = max(0, first.ended.bytes - (first.end - position))
            first.ended.status = status
            log(first.ended, name: first.name, upstream: first.upstream)
        }
    }

    /// A request is answered, or given up.
    ///
    /// - Parameter name: costs nothing unless it is logged.
    func log(
        _ ended: EndedRequest, name: @autoclosure () -> String, upstream: String? = nil
    ) {
        group.phases.log(ended)
        if ended.cacheStatus == .hit {
            group.hits &+= 1
            guard group.phases.accessLog.wantsHit(group.hits) else { return }
        }
        group.phases.accessLog.write(ended, of: identity, name: name(), upstream: upstream)
    }
}
