/// How many clients can be connected at once with the descriptors of this process; pure.
///
///     descriptors = clients + upstream connections + admin, Redis, files
///
/// A client too many would take the descriptor that is needed to answer the others, or to look
/// at what is wrong through the admin port, so some are kept back.
struct ConnectionAllowance: Equatable {
    /// Clients that are accepted.
    let connections: Int
    /// The limit that would do for all that are wanted.
    let needed: Int

    /// For the admin port, Redis, logs and files.
    private static let own = 64

    /// - Parameters:
    ///   - wanted: clients that the configuration allows.
    ///   - upstreams: connections to upstreams that it allows.
    ///   - descriptors: the process's limit; `nil` for none.
    init(wanted: Int, upstreams: Int, descriptors: Int?) {
        needed = wanted + upstreams + Self.own
        guard let descriptors else {
            connections = wanted
            return
        }
        // All upstream connections at once are rare; a quarter of everything is kept at most.
        let kept = min(upstreams + Self.own, max(descriptors / 4, Self.own))
        connections = min(wanted, max(descriptors - kept, 1))
    }
}
