import PlainText

/// Under which names a participant's ledgers and lists know sagas of several routes.
///
///     route             saga             name             ledger of payments
///     order, its first  7                7                saga:{payment}:ledger:7
///     subscription      7                subscription/7   saga:{payment}:ledger:subscription/7
///     order             subscription/7   order/subscription/7
///
/// IDs are anybody's choice. So one of the first route that would be read as a saga of another
/// has its own route before it too, and no two sagas have the same name.
public struct SagaNaming: Hashable, Sendable {
    /// All routes of the participant; the first one's sagas have their IDs as names.
    package let routes: [String]

    /// Those of a participant.
    ///
    /// - Parameter routes: as it declares them, its first one first; none will do for a single one.
    public init(_ routes: [String]) {
        self.routes = routes
    }

    /// The name of a saga.
    package func name(_ sagaID: String, on route: String) -> String {
        let isPlain = routes.count < 2 || routes[0] == route && self.route(of: sagaID) == nil
        return isPlain ? sagaID : "\(route)/\(sagaID)"
    }

    /// The route that stands in a name; nil if none does.
    package func route(of name: String) -> String? {
        guard routes.count > 1 else { return nil }
        return routes.first { name.hasPrefix($0 + "/") }
    }

    /// The ID of the saga that has a name.
    package func sagaID(of name: String) -> String {
        guard let route = route(of: name) else { return name }
        return String(name.dropFirst(route.count + 1))
    }

    /// The name as it stands in a key: an ID is encoded, the slash between it and its route is not.
    package func encoded(_ name: String) -> String {
        guard let route = route(of: name) else { return PercentEncoding.encode(name) }
        return "\(route)/" + PercentEncoding.encode(sagaID(of: name))
    }
}
