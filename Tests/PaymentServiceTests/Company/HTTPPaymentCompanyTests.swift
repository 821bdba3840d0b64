import HTTPTypes
import OrderContracts
import PaymentService
import Saga
import ServiceHTTP
import Testing

/// What each answer of the payment company means.
@Suite(.timeLimit(.minutes(1)))
struct HTTPPaymentCompanyTests {
    @Test func createdIsACharge() async throws {
        try await ScriptedCompany.answering(.created, #"{"id":"ch_1","status":"succeeded"}"#) {
            company in
            let found = try await charge(company)
            #expect(found == .success(Charge(id: "ch_1")))
        }
    }

    @Test(arguments: [
        (402, #"{"code":"card_declined","detail":"d"}"#, BusinessFailure("card_declined", "d")),
        (400, #"{"code":"unknown_token","detail":"d"}"#, BusinessFailure("payment_refused", "d")),
        (
            402, "not json",
            BusinessFailure("payment_refused", "The payment company refused the charge.")
        ),
    ])
    func refusalsAreBusinessFailures(
        _ status: Int, _ json: String, _ failure: BusinessFailure
    ) async throws {
        try await ScriptedCompany.answering(.init(code: status), json) { company in
            let found = try await charge(company)
            #expect(found == .failure(failure))
        }
    }

    @Test(arguments: [
        (500, "{}"), (503, "{}"), (429, "{}"), (408, "{}"), (302, "{}"), (201, "{}"), (201, "x"),
        (202, #"{"id":"ch_1","status":"pending"}"#), (201, #"{"id":"ch_1"}"#),
        (401, "{}"), (403, "{}"), (404, "{}"), (400, #"{"code":"invalid_request"}"#),
        (409, #"{"code":"idempotency_key_in_use"}"#), (409, #"{"code":"charge_voided"}"#),
    ])
    func anythingElseLeavesTheOutcomeUnknown(_ status: Int, _ json: String) async throws {
        try await ScriptedCompany.answering(.init(code: status), json) { company in
            await #expect { try await charge(company) } throws: { error in
                (error as? PaymentError)?.retry == true
            }
        }
    }

    @Test func silenceEndsWithTheTimeOut() async throws {
        try await ScriptedCompany.answering(.created, "{}", isSilent: true) { company in
            let start = ContinuousClock.now
            await #expect { try await charge(company) } throws: { error in
                (error as? any UnsentError)?.isUnsent == false
            }
            #expect(ContinuousClock.now - start < .seconds(30))
        }
    }

    @Test func nobodyThereIsKnownAtOnceAndIsNoAttempt() async throws {
        let client = JSONClient(baseURL: "http://127.0.0.1:1")
        await #expect { try await charge(HTTPPaymentCompany(client)) } throws: { error in
            (error as? any UnsentError)?.isUnsent == true
        }
        await client.shutdown()
    }

    @Test func refundsTellWhetherThereWasMoney() async throws {
        let paid = #"{"id":"re_1","status":"refunded","amount":20,"currency":"EUR"}"#
        try await ScriptedCompany.answering(.created, paid) { company in
            let refund = try await company.refund(chargeKey: "c", key: "key")
            #expect(refund == .refunded(Money(amount: 20, currency: "EUR")))
        }
        let nothing = #"{"id":"re_1","status":"nothing_to_refund","amount":0}"#
        try await ScriptedCompany.answering(.created, nothing) { company in
            let found = try await company.refund(chargeKey: "c", key: "key")
            #expect(found == .nothingCharged)
        }
    }

    @Test(arguments: [400, 404, 409, 500])
    func refundThatIsRefusedIsTriedAgain(_ status: Int) async throws {
        try await ScriptedCompany.answering(.init(code: status), #"{"code":"c"}"#) { company in
            await #expect(throws: PaymentError.self) {
                try await company.refund(chargeKey: "c", key: "key")
            }
        }
    }

    @Test(arguments: [
        #"{"status":"pending"}"#, #"{"status":"error","amount":20,"currency":"EUR"}"#,
        #"{"status":"refunded"}"#, #"{"status":"refunded","amount":20}"#, "{}",
    ])
    func refundThatSaysSomethingElseIsTriedAgain(_ json: String) async throws {
        try await ScriptedCompany.answering(.accepted, json) { company in
            await #expect { try await company.refund(chargeKey: "c", key: "key") } throws: {
                ($0 as? PaymentError)?.retry == true
            }
        }
    }

    private func charge(
        _ company: HTTPPaymentCompany
    ) async throws -> Result<Charge, BusinessFailure> {
        try await company.charge(
            Money(amount: 20, currency: "EUR"), token: "tok_visa",
            reference: OrderID(wellFormed: "o"), key: "key")
    }
}
