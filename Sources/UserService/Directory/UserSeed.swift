import Logging
import Observability
import Saga
import ServiceLifecycle

/// The users that a new system shows.
enum UserSeed {
    /// Plants once, trying again while Redis is away; a store that has any stays as it is.
    static func plant(in store: UserDirectory, logger: Logger) async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do throws(SagaError) {
                    return try await store.seed(users)
                } catch {
                    guard error.retry == .later else {
                        logger.error("Seeding failed.", metadata: ["error": "\(error)"])
                        return
                    }
                    try? await Task.sleep(for: .milliseconds(500))
                }
            }
        }
    }

    private static let users = [
        User(
            id: "1", draft: User.Draft(name: "Ada Lovelace", email: "ada@example.com"),
            createdAt: made(1)),
        User(
            id: "2", draft: User.Draft(name: "Alan Turing", email: "alan@example.com"),
            createdAt: made(2)),
        User(
            id: "3", draft: User.Draft(name: "Grace Hopper", email: "grace@example.com"),
            createdAt: made(3)),
    ]

    /// Long ago, and each a moment after the one before, so that lists have an order.
    private static func made(_ number: Int) -> Timestamp {
        Timestamp(milliseconds: 1_767_225_600_000 + Int64(number))
    }
}
