import CloudEvents
import Observability
import Redis
import Saga
import SagaRedis

//     {user}:user:<id>    hash    name, email, createdAt, updatedAt, version
//     {user}:users         zset    ID by the time it was made
//
// A change names the version it was made from, so of two at once one wins and the other is made
// again from what the first left.

/// The users as they stand in Redis.
struct UserDirectory: Sendable {
    private static let index: RecordName = "users"
    /// How often a change is made again because another came in between.
    private static let attemptsMaximum = 8

    private let store: RecordStore

    init(redis: RedisClient, namespace: String) {
        store = RecordStore(service: "user", redis: redis, namespace: namespace)
    }

    /// The user of that ID, if there is one.
    func user(_ id: String) async throws(SagaError) -> User? {
        let fields = try await store.reader.fields(of: Self.record(id))
        return fields.isEmpty ? nil : try Self.decoded(id, fields)
    }

    /// Users, newest first, behind the one called `last`.
    func users(after last: String?, limit: Int) async throws(SagaError) -> [User] {
        let ids = try await store.reader.members(of: Self.index, after: last, limit: limit)
        let all = try await store.reader.fields(ofAll: ids.map(Self.record))
        var users: [User] = []
        for (id, fields) in zip(ids, all) where !fields.isEmpty {
            users.append(try Self.decoded(id, fields))
        }
        return users
    }

    /// Files a new user under an ID of its own.
    func create(_ draft: User.Draft) async throws(SagaError) -> User {
        let user = User(id: UUIDv7.next(), draft: draft, createdAt: .now())
        let outcome = try await store.transition(
            Changes { changes in
                changes.requireAbsent(Self.record(user.id), orElse: BusinessFailure("exists"))
                Self.file(user, in: &changes)
            })
        guard outcome == .applied else {
            throw SagaError(.unexpectedState, "a new ID is in use already")
        }
        return user
    }

    /// Changes a user, if `check` agrees with the version that it has; nil if there is none.
    func change(
        _ id: String, by change: User.Change, check: (Int) throws -> Void
    ) async throws -> User? {
        for _ in 0..<Self.attemptsMaximum {
            guard let current = try await user(id) else { return nil }
            try check(current.version)
            guard let changed = current.changed(by: change, at: .now()) else { return current }
            let outcome = try await store.transition(
                Changes { changes in
                    changes.require(
                        Self.record(id), "version", equals: String(current.version),
                        orElse: BusinessFailure("changed"))
                    changes.set(Self.record(id), changed.fields)
                })
            if outcome == .applied { return changed }
        }
        throw SagaError(.unavailable, "too many changes at once", retry: .later)
    }

    /// Files what a new system shows, all or nothing, unless there are users already.
    func seed(_ users: [User]) async throws(SagaError) {
        _ = try await store.transition(
            Changes { changes in
                changes.requireAbsent(Self.index, orElse: BusinessFailure("seeded"))
                for user in users { Self.file(user, in: &changes) }
            })
    }

    private static func record(_ id: String) -> RecordName { RecordName("user", id: id) }

    private static func file(_ user: User, in changes: inout Changes) {
        changes.set(record(user.id), user.fields)
        changes.add(user.id, to: index, score: Double(user.createdAt.milliseconds))
    }

    private static func decoded(
        _ id: String, _ fields: [String: String]
    ) throws(SagaError) -> User {
        guard let user = User(id: id, fields: fields) else {
            throw SagaError(.undecodable, "the record of user \(id) is damaged")
        }
        return user
    }
}
