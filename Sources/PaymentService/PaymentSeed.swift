import Logging
import OrderContracts
import Saga
import SagaRedis
import ServiceLifecycle

/// The payment of the order that a new system shows.
///
/// The sandbox's books begin with this charge.
enum PaymentSeed {
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

    private static var changes: Changes {
        Changes { changes in
            changes.requireAbsent(.payment("1"), orElse: BusinessFailure("seeded"))
            changes.set(
                .payment("1"),
                Payment.charged(
                    Money(amount: 1999, currency: "EUR"), Charge(id: "ch_1")))
        }
    }
}
