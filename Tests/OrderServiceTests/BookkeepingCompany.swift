import CloudEvents
import OrderContracts
import PaymentService
import Saga
import Timekeeping

/// A payment company in memory that answers to the sandbox's tokens and keeps books.
actor BookkeepingCompany: PaymentCompany {
    private var charges: [String: Money] = [:]
    private var refunded: Set<String> = []
    private var voided: Set<String> = []
    private var attempts: [String: Int] = [:]
    private var made: [String: Int64] = [:]
    private var refundKeys: [String: Set<String>] = [:]

    /// How often somebody has looked into its books from the beginning.
    private(set) var lookCount = 0

    /// Whether it has lost its books.
    private var isForgetful = false

    /// Closed, it holds back answers to what was done already.
    nonisolated let gate = Gate()

    /// What was taken and not returned.
    var net: Int {
        charges.filter { !refunded.contains($0.key) }.reduce(0) { $0 + $1.value.amount }
    }

    /// How many charges there ever were.
    var chargeCount: Int { charges.count }

    /// How often it was asked to charge, whatever it made of it.
    var chargeCallCount: Int { attempts.values.reduce(0, +) }

    /// How many charges were returned.
    var refundCount: Int { refunded.count }

    /// Charges whose return was asked for under more than one key.
    var refundedTwice: [String] { refundKeys.filter { $0.value.count > 1 }.keys.sorted() }

    func charge(
        _ amount: Money, token: String, reference: OrderID, key: String
    ) async throws(PaymentError) -> Result<Charge, BusinessFailure> {
        attempts[key, default: 0] += 1
        switch token {
        case "tok_declined":
            return .failure(BusinessFailure(FailureReason.cardDeclined, "the card was declined"))
        case "tok_insufficient_funds":
            return .failure(BusinessFailure(FailureReason.insufficientFunds, "not enough money"))
        case "tok_flaky" where attempts[key, default: 0] <= 2:
            throw PaymentError(.unavailable, "try again")
        default: break
        }
        guard !voided.contains(key) else {
            return .failure(BusinessFailure("charge_voided", "refunded before it was charged"))
        }
        charges[key] = amount
        made[key] = made[key] ?? SystemTime.milliseconds()
        if token == "tok_timeout" { throw PaymentError(.unavailable, "no answer") }
        await gate.pass()
        return .success(Charge(id: "ch_\(key)"))
    }

    func loseBooks() { isForgetful = true }

    func refund(chargeKey: String, key: String) async throws(PaymentError) -> Refund {
        if isForgetful { return .nothingCharged }
        guard let amount = charges[chargeKey] else {
            voided.insert(chargeKey)
            return .nothingCharged
        }
        refunded.insert(chargeKey)
        refundKeys[chargeKey, default: []].insert(key)
        return .refunded(amount)
    }

    func entries(after cursor: String?, since time: Int64) async throws -> OutsidePage {
        lookCount += 1
        return OutsidePage(charges.keys.compactMap { entry($0) }.sorted { $0.made < $1.made })
    }

    func entry(under key: String) async throws -> OutsideEntry? { entry(key) }

    private func entry(_ key: String) -> OutsideEntry? {
        made[key].map {
            OutsideEntry(
                key: key, made: $0, standing: refunded.contains(key) ? .undone : .standing)
        }
    }

    /// Makes a charge that no ledger knows, as one that Redis forgot.
    func charge(unknown key: String, made time: Int64 = SystemTime.milliseconds()) {
        charges[key] = Money(amount: 100, currency: "EUR")
        made[key] = time
    }

    /// Makes a charge one of those that were made under another key.
    func move(_ key: String, to other: String) {
        charges[other] = charges.removeValue(forKey: key)
        made[other] = made.removeValue(forKey: key)
        attempts[other] = attempts.removeValue(forKey: key)
    }

    /// Makes everything in its books so much older.
    func age(by milliseconds: Int64) { made = made.mapValues { $0 - milliseconds } }
}
