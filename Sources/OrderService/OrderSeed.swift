import Logging
import Observability
import OrderContracts
import Saga
import SagaRedis
import ServiceLifecycle

/// The order that a new system shows: number 1, of user 1, completed long ago.
enum OrderSeed {
    /// Plants once, trying again while Redis is away; a store that has it stays as it is.
    static func plant(with runtime: SagaRuntime, logger: Logger) async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    return try await plant(with: runtime)
                } catch let error as SagaError where error.retry == .later {
                    try? await Task.sleep(for: .milliseconds(500))
                } catch {
                    return logger.error("Seeding failed.", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    private static func plant(with runtime: SagaRuntime) async throws(SagaError) {
        _ = try await runtime.store.transition(changes)
    }

    /// Files the order unless there is one of that number.
    private static var changes: Changes {
        Changes { changes in
            changes.requireAbsent(.order(order.id.text), orElse: BusinessFailure("seeded"))
            changes.file(order)
        }
    }

    private static var order: Order {
        let placed = Timestamp(milliseconds: 1_767_225_600_000)
        return Order(
            id: OrderID(wellFormed: "1"), userID: UserID(wellFormed: "1"),
            productID: ProductID(wellFormed: "1"), quantity: 1, status: .completed,
            total: Money(amount: 1999, currency: "EUR"), createdAt: placed, updatedAt: placed)
    }
}
