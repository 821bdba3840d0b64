public import OrderContracts
public import Saga
public import ServiceHTTP

/// The payment company over HTTP, as the sandbox plays it.
///
///     POST /charges  {amount, currency, token, reference}   201 | 402 code | 400 | 409 | 5xx
///     POST /refunds  {chargeKey, reason}                    201 refunded | nothing_to_refund
public struct HTTPPaymentCompany: PaymentCompany {
    private let client: JSONClient

    /// The company behind the client's base address.
    public init(_ client: JSONClient) {
        self.client = client
    }

    /// Charges the card; any answer in the 400s is a refusal, unless it asks to come back later.
    public func charge(
        _ amount: Money, token: String, reference: OrderID, key: String
    ) async throws(PaymentError) -> Result<Charge, BusinessFailure> {
        let answer = try await post(
            "/charges",
            ChargeRequest(
                amount: amount.amount, currency: amount.currency, token: token,
                reference: reference.text),
            key: key)
        switch answer.status {
        case 200...299:
            return .success(Charge(id: try decode(ChargeAnswer.self, from: answer).id))
        case 408, 425, 429:
            throw PaymentError(.unavailable, "the payment company answered \(answer.status)")
        case 400...499: return .failure(answer.refusal)
        default:
            throw PaymentError(.unavailable, "the payment company answered \(answer.status)")
        }
    }

    /// Returns the money.
    ///
    /// There is no refusal here: anything but success has to be tried again.
    public func refund(chargeKey: String, key: String) async throws(PaymentError) -> Refund {
        let answer = try await post(
            "/refunds", RefundRequest(chargeKey: chargeKey, reason: "order cancelled"), key: key)
        guard (200...299).contains(answer.status) else {
            throw PaymentError(.unavailable, "the payment company answered \(answer.status)")
        }
        let refund = try decode(RefundAnswer.self, from: answer)
        guard refund.status == "refunded", let amount = refund.amount,
            let currency = refund.currency
        else { return .nothingCharged }
        return .refunded(Money(amount: amount, currency: currency))
    }

    private func post(
        _ path: String, _ body: some Encodable & Sendable, key: String
    ) async throws(PaymentError) -> JSONAnswer {
        do {
            return try await client.post(path, body, idempotencyKey: key)
        } catch {
            throw PaymentError(.unavailable, "the payment company does not answer", cause: error)
        }
    }

    private func decode<Value: Decodable>(
        _ type: Value.Type, from answer: JSONAnswer
    ) throws(PaymentError) -> Value {
        do {
            return try answer.decode(type)
        } catch {
            throw PaymentError(
                .unavailable, "the payment company's answer is unreadable", cause: error)
        }
    }
}

extension JSONAnswer {
    /// Why the company does not charge: its own reason if it is about the card, ours if it finds
    /// the request at fault, as it does with a token that it never issued.
    fileprivate var refusal: BusinessFailure {
        let problem = problem
        let reason = status == 400 ? nil : problem?.code
        return BusinessFailure(
            reason ?? FailureReason.paymentRefused,
            problem?.detail ?? "the payment company refused the charge")
    }
}

private struct ChargeRequest: Encodable, Sendable {
    var amount: Int
    var currency: String
    var token: String
    var reference: String
}

private struct ChargeAnswer: Decodable {
    var id: String
}

private struct RefundRequest: Encodable, Sendable {
    var chargeKey: String
    var reason: String
}

private struct RefundAnswer: Decodable {
    var status: String
    var amount: Int?
    var currency: String?
}
