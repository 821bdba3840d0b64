import CloudEvents
public import Saga
public import SagaRedis
public import Timekeeping
public import TroupeRedis

//     {user}:user:<id>     hash    the item's fields, createdAt, updatedAt, version
//     {user}:users         zset    ID by the time it was made
//
// A change names the version it was made from, so of two at once one wins and the other is made
// again from what the first left.

/// Items with versions, as they stand in Redis.
public struct RecordCollection<Item: CollectionItem>: Sendable {
    /// One item of the collection.
    public struct Entry: Sendable, Equatable {
        /// Its name within the collection.
        public let id: String
        /// What it is.
        public fileprivate(set) var item: Item
        /// When it was made.
        public let createdAt: Timestamp
        /// When it last changed.
        public fileprivate(set) var updatedAt: Timestamp
        /// Counts the changes, from 1.
        public fileprivate(set) var version: Int

        /// An entry in its first version.
        public init(id: String, _ item: Item, createdAt: Timestamp) {
            self.id = id
            self.item = item
            self.createdAt = createdAt
            self.updatedAt = createdAt
            self.version = 1
        }
    }

    let store: RecordStore

    /// The collection of a namespace.
    public init(redis: RedisClient, namespace: String) {
        store = RecordStore(service: Item.noun, redis: redis, namespace: namespace)
    }

    /// What it keeps under one name, whatever its items.
    public static func standingKeys(_ names: SagaKeys) -> [RedisStandingKey] {
        [RedisStandingKey(names.record(index, service: Item.noun), .sortedSet)]
    }

    /// The entry of that ID, if there is one.
    public func entry(_ id: String) async throws(SagaError) -> Entry? {
        let fields = try await store.reader.fields(of: Self.record(id))
        return fields.isEmpty ? nil : try Entry(id, fields)
    }

    /// Entries, newest first, behind the one called `last`.
    public func entries(after last: String?, limit: Int) async throws(SagaError) -> [Entry] {
        let ids = try await store.reader.members(of: Self.index, after: last, limit: limit)
        let all = try await store.reader.fields(ofAll: ids.map(Self.record))
        var entries: [Entry] = []
        for (id, fields) in zip(ids, all) where !fields.isEmpty {
            entries.append(try Entry(id, fields))
        }
        return entries
    }

    /// Files a new item under an ID of its own.
    public func create(_ item: Item) async throws(SagaError) -> Entry {
        let entry = Entry(id: UUIDv7.next(), item, createdAt: .now())
        let outcome = try await store.transition(
            Changes { changes in
                changes.requireAbsent(Self.record(entry.id), orElse: BusinessFailure("exists"))
                Self.file(entry, in: &changes)
            })
        guard outcome == .applied else {
            throw SagaError(.unexpectedState, "the new ID \(entry.id) is in use already")
        }
        return entry
    }

    /// Changes an item, if `check` agrees with the version that it has; nil if there is none.
    ///
    /// A change that changes nothing makes no version.
    public func change(
        _ id: String, check: (Int) throws -> Void = { _ in }, by change: (inout Item) -> Void
    ) async throws -> Entry? {
        for _ in 0..<Self.attemptsMaximum {
            guard let current = try await entry(id) else { return nil }
            try check(current.version)
            guard let changed = current.changed(by: change) else { return current }
            let outcome = try await store.transition(
                Changes { changes in
                    changes.require(
                        Self.record(id), "version", equals: String(current.version),
                        orElse: BusinessFailure("changed"))
                    changes.set(Self.record(id), changed.fields)
                })
            if outcome == .applied { return changed }
        }
        throw SagaError(
            .unavailable, "\(Item.noun) \(id) is changed by too many at once", retry: .later)
    }

    /// What files these entries, all or none of them, unless the collection has any already.
    func planting(_ entries: [Entry]) -> Changes {
        Changes { changes in
            changes.requireAbsent(Self.index, orElse: BusinessFailure("seeded"))
            for entry in entries { Self.file(entry, in: &changes) }
        }
    }

    /// How often a change is made again because another came in between.
    private static var attemptsMaximum: Int { 8 }

    private static var index: RecordName { RecordName(stringLiteral: Item.plural) }

    private static func record(_ id: String) -> RecordName { RecordName(Item.noun, id: id) }

    private static func file(_ entry: Entry, in changes: inout Changes) {
        changes.set(record(entry.id), entry.fields)
        changes.add(entry.id, to: index, score: Double(entry.createdAt.milliseconds))
    }
}

extension RecordCollection.Entry {
    /// The next version, or nil if the change changes nothing.
    fileprivate func changed(by change: (inout Item) -> Void) -> Self? {
        var changed = self
        change(&changed.item)
        guard changed.item != item else { return nil }
        changed.version += 1
        changed.updatedAt = max(.now(), updatedAt)
        return changed
    }

    fileprivate var fields: [String: String] {
        var fields = item.fields
        fields["createdAt"] = createdAt.description
        fields["updatedAt"] = updatedAt.description
        fields["version"] = String(version)
        return fields
    }

    fileprivate init(_ id: String, _ fields: [String: String]) throws(SagaError) {
        guard let item = Item(fields: fields),
            let createdAt = fields["createdAt"].flatMap({ Timestamp($0) }),
            let updatedAt = fields["updatedAt"].flatMap({ Timestamp($0) }),
            let version = fields["version"].flatMap({ Int($0) }), (1..<Int.max).contains(version)
        else { throw SagaError(.undecodable, "the record of \(Item.noun) \(id) is damaged") }
        self.init(id: id, item, createdAt: createdAt)
        self.updatedAt = updatedAt
        self.version = version
    }
}
