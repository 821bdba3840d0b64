public import Saga

/// Something of the payment service that did not work out and is not a refusal.
public struct PaymentError: Error, CustomStringConvertible, CustomDebugStringConvertible {
    /// What went wrong.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name.
        public let description: String

        /// The payment company gave no usable answer: the call may or may not have taken effect.
        public static let unavailable = Self(description: "unavailable")

        /// Nothing was sent to the payment company: the call took no effect.
        public static let unreachable = Self(description: "unreachable")

        /// The company says that it never made a charge of which we have its receipt: it is another
        /// one, or has lost its books.
        public static let unknownCharge = Self(description: "unknown_charge")

        /// A record of ours does not read as it was written.
        public static let damagedRecord = Self(description: "damaged_record")
    }

    /// What went wrong.
    public var code: Code

    /// Says it in a sentence that is safe to show.
    public var message: String

    /// What lies behind it, for logs alone.
    public var cause: (any Error)?

    /// Whether trying again can help.
    public var retry: Bool { code == .unavailable || code == .unreachable }

    /// An error of the payment service.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
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

extension PaymentError: UnsentError {
    /// Whether nothing of it has reached the payment company.
    public var isUnsent: Bool { code == .unreachable }
}
