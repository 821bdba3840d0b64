import Saga
import SagaHTTP

/// Something of the inventory that did not work out and is not a refusal.
public struct InventoryError: Error, CustomStringConvertible, CustomDebugStringConvertible {
    /// What went wrong.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name.
        public let description: String

        /// Redis does not answer.
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

    /// Whether trying again can help.
    public var retry: Bool { code == .unavailable }

    /// An error of the inventory.
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

extension InventoryError {
    /// What an error of the engine means to whoever asks for the stock.
    ///
    /// What waiting cannot mend is ours to mend.
    init(_ error: SagaError) {
        if error.mayPass {
            self.init(.unavailable, "The stock cannot be reached now.", cause: error)
        } else {
            self.init(.damagedRecord, "The stock's record is not as it should be.", cause: error)
        }
    }
}
