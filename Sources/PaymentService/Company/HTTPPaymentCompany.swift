public import OrderContracts
public import Saga
import SagaHTTP
public import ServiceHTTP

/// The payment company over HTTP, as the sandbox plays it.
///
///     POST /charges  {amount, currency, token, reference}   201 | 402 code | 400 unknown_token
///     POST /refunds  {chargeKey, reason}                    201 refunded | nothing_to_refund
///     GET  /charges, /charges/<key>                         its books
///
/// Any other answer is an accident, also one that accepts and says anything but these words: a
/// refund that is `pending` has returned nothing. A key in use (409), a key of ours that is not
/// taken (401), a limit (429) say nothing of what an earlier call did.
public struct HTTPPaymentCompany: PaymentCompany {
    private static let refusals: Set<DocumentedRefusal> = [
        .status(402), .status(400, codes: ["unknown_token"]),
    ]

    private let client: JSONClient
    private let books: HTTPBooks

    /// The company behind the client's base address.
    public init(_ client: JSONClient) {
        self.client = client
        books = HTTPBooks(client, "/charges")
    }

    /// The charges in its books.
    public func entries(after cursor: String?, since time: Int64) async throws -> OutsidePage {
        try await books.entries(after: cursor, since: time)
    }

    /// One of them.
    public func entry(under key: String) async throws -> OutsideEntry? {
        try await books.entry(under: key)
    }

    /// Charges the card; what the company refuses is a business failure.
    public func charge(
        _ amount: Money, token: String, reference: OrderID, key: String
    ) async throws(PaymentError) -> Result<Charge, BusinessFailure> {
        let request = ChargeRequest(
            amount: amount.amount, currency: amount.currency, token: token,
            reference: reference.text)
        let submission = try await translated { () async throws(CallError) in
            try await client.submit(
                "/charges", request, idempotencyKey: key, refusals: Self.refusals,
                for: ChargeAnswer.self)
        }
        switch submission {
        case .accepted(let answer): return .success(Charge(id: answer.id))
        case .refused(let refusal):
            return .failure(
                BusinessFailure(
                    refusal.reason ?? FailureReason.paymentRefused,
                    refusal.detail ?? "The payment company refused the charge."))
        }
    }

    /// Returns the money.
    ///
    /// There is no refusal here: anything but success has to be tried again.
    public func refund(chargeKey: String, key: String) async throws(PaymentError) -> Refund {
        let request = RefundRequest(chargeKey: chargeKey, reason: "order cancelled")
        let refund = try await translated { () async throws(CallError) in
            try await client.insist(
                "/refunds", request, idempotencyKey: key, for: RefundAnswer.self)
        }
        switch (refund.status, refund.amount, refund.currency) {
        case (.refunded, let amount?, let currency?)
        where Money(amount: amount, currency: currency).isWellFormed:
            return .refunded(Money(amount: amount, currency: currency))
        case (.refunded, _, _):
            throw PaymentError(
                .unavailable, "The payment company did not say how much it returned.")
        case (.nothingToRefund, _, _):
            return .nothingCharged
        }
    }

    private func translated<Value>(
        _ call: () async throws(CallError) -> Value
    ) async throws(PaymentError) -> Value {
        do {
            return try await call()
        } catch {
            if error.code == .notSent {
                throw PaymentError(
                    .unreachable, "The payment company could not be reached: \(error.message).",
                    cause: error)
            }
            throw PaymentError(
                .unavailable,
                "The payment company did not say whether it was done: \(error.message).",
                cause: error)
        }
    }
}

private struct ChargeRequest: Encodable, Sendable {
    var amount: Int
    var currency: String
    var token: String
    var reference: String
}

private struct ChargeAnswer: Decodable {
    enum Status: String, Decodable { case succeeded }

    var id: String
    var status: Status
}

private struct RefundRequest: Encodable, Sendable {
    var chargeKey: String
    var reason: String
}

private struct RefundAnswer: Decodable {
    enum Status: String, Decodable {
        case refunded
        case nothingToRefund = "nothing_to_refund"
    }

    var status: Status
    var amount: Int?
    var currency: String?
}
