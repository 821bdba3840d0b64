import SagaHTTP
import Timekeeping

/// The users that a new system shows.
enum UserSeed {
    static let users = [
        user(1, "Ada Lovelace", "ada@example.com"), user(2, "Alan Turing", "alan@example.com"),
        user(3, "Grace Hopper", "grace@example.com"),
    ]

    /// Made long ago, and each a moment after the one before, so that lists have an order.
    private static func user(
        _ number: Int, _ name: String, _ email: String
    ) -> RecordCollection<User>.Entry {
        RecordCollection<User>.Entry(
            id: String(number), User(name: name, email: email),
            createdAt: Timestamp(milliseconds: 1_767_225_600_000 + Int64(number)))
    }
}
