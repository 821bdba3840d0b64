import Saga
import SagaHTTP

/// Something that could not be done with an order.
public struct OrderError: Error, CustomStringConvertible, CustomDebugStringConvertible {
    /// What went wrong.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name.
        public let description: String

        /// There is no such user, so there is no order.
        public static let unknownUser = Self(description: "unknown_user")

        /// There is no such product, so there is no order.
        public static let unknownProduct = Self(description: "unknown_product")

        /// Price times quantity is more than can be charged.
        public static let totalTooLarge = Self(description: "total_too_large")

        /// The idempotency key was used for another order within the last day.
        public static let keyReused = Self(description: "idempotency_key_reused")

        /// There is no such order.
        public static let unknownOrder = Self(description: "unknown_order")

        /// The order is completed; it cannot be cancelled any more.
        public static let tooLate = Self(description: "too_late")

        /// So many orders are under way that another one could not end in time.
        public static let overloaded = Self(description: "overloaded")

        /// Redis or a service asked does not answer; nothing was decided, or nobody can tell now.
        public static let unavailable = Self(description: "unavailable")

        /// A record of ours does not read as it was written.
        public static let damagedRecord = Self(description: "damaged_record")
    }

    /// What went wrong.
    public var code: Code

    /// Says it in a sentence that is safe to show.
    public var message: String

    /// What lies behind it, for logs alone.
    public var cause: (any Error)?

    /// How long to wait before trying again; nil if nobody can tell.
    public var retryAfter: Duration?

    /// Whether trying again can help.
    public var retry: Bool { code == .unavailable || code == .overloaded }

    /// An error of the order service.
    public init(
        _ code: Code, _ message: String, retryAfter: Duration? = nil, cause: (any Error)? = nil
    ) {
        self.retryAfter = retryAfter
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// Code and message, without the cause.
    public var description: String { "\(code): \(message)" }

    /// The same with the cause, for logs.
    public var debugDescription: String {
        cause.map { "\(description) (\(String(reflecting: $0)))" } ?? description
    }
}

extension OrderError {
    /// What an error of the engine means to whoever wanted something of an order.
    ///
    /// What waiting cannot mend is ours to mend.
    init(_ error: SagaError) {
        if error.code == .outcomeUnknown {
            self.init(
                .unavailable,
                "It is unknown whether this was done; with the same Idempotency-Key it can be "
                    + "repeated safely.", cause: error)
        } else if error.mayPass {
            self.init(.unavailable, "The orders cannot be reached now.", cause: error)
        } else {
            self.init(
                .damagedRecord, "The order's records are not as they should be.", cause: error)
        }
    }
}
