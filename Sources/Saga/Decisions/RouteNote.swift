/// With which route a saga began, as its ledger notes it while it is pending.
///
/// `eb73aca7f320be21 inventory,payment,shipping`: the route's digest, and who takes part and has
/// something to undo.
package struct RouteNote: Hashable, Sendable {
    package var digest: String
    package var takingPart: [String]

    package init(_ route: Route) {
        digest = RouteDigest(route).hexadecimal
        takingPart = route.awaitedOnRequest.sorted()
    }

    /// Nil if there is none, as in a saga that began before routes were noted.
    package init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 1)
        guard let digest = parts.first else { return nil }
        self.digest = String(digest)
        takingPart =
            parts.count > 1 ? parts[1].split(separator: ",").map(String.init) : []
    }

    package var text: String { "\(digest) \(takingPart.joined(separator: ","))" }
}
