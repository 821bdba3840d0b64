extension RedisClient {
    /// The names of all keys of a type that match a pattern (`SCAN`), each once, in their order.
    ///
    /// It walks past every key of the server: for a person who asks, not for a service at work.
    ///
    /// - Throws: as `send`.
    public func keys(
        matching pattern: String, type: String
    ) async throws(RedisError) -> [String] {
        var found: Set<String> = []
        var cursor = "0"
        repeat {
            let page = try await send(
                .scan(cursor, match: pattern, count: 5_000, type: type)
            ).requireArray()
            guard page.count == 2 else { break }
            cursor = try page[0].requireString()
            found.formUnion(try page[1].strings().compactMap { $0 })
        } while cursor != "0"
        return found.sorted()
    }
}
