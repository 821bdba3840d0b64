import InventoryService
import OrderContracts
import OrderService
import PaymentService
import Saga
import SagaTestKit
import ShippingService
import Synchronization
import Testing

/// A month goes by on the clock that all go by: what of ledgers may go is gone, and the companies
/// have kept their books, and forgotten their keys.
@Suite(.timeLimit(.minutes(2)))
struct LongSilenceTests {
    private static let month = Duration.seconds(31 * 86_400)

    @Test func whatIsSaidAgainAMonthLaterIsSetAside() async throws {
        let rehearsal = try SagaRehearsal()
        let company = PatientCompany(rehearsal.clock)
        let carrier = PatientCompany(rehearsal.clock)
        let plans = try [
            Participant.order(deadline: .seconds(30)),
            .payment(company: company, giveUpAfter: .seconds(8)), .inventory(),
            .shipping(carrier: carrier, giveUpAfter: .seconds(8)),
        ].map { try ParticipantPlan($0) }
        try rehearsal.server.change { data throws(SagaError) in
            data.set("inventory", "stock:lamp", .hash(["available": "100"]))
        }
        let owner = try rehearsal.runtime(plans[0])
        for number in 0..<10 {
            let country = number < 7 ? "DE" : "AQ"
            _ = try await owner.begin("\(number)", Self.order(to: country))
        }
        try await pass(.seconds(120), rehearsal, plans)
        let before = [company.tally, carrier.tally]
        #expect(before.map(\.standing) == [7, 7] && before.map(\.undone) == [3, 0])

        let contents = rehearsal.server.contents
        #expect(contents.ending == Set(contents.ledgers.keys), "every ledger has an end")
        let said = contents.streams.mapValues { $0.entries }
        rehearsal.clock.move(to: rehearsal.clock.now + Self.month)
        try rehearsal.server.change { data throws(SagaError) in
            for name in data.ending { data.ledgers[name] = nil }
            for (stream, entries) in said {
                for entry in entries {
                    data.append(entry.bytes, sagaID: entry.sagaID, to: stream)
                }
            }
        }
        try await pass(.seconds(300), rehearsal, plans)

        #expect([company.tally, carrier.tally] == before)
        let letters = rehearsal.server.contents.letters.mapValues { letters in
            letters.count { $0.letter.reason == .tooOld }
        }
        // Three were cancelled: what undoes them may come first, and finds nothing to undo.
        for plan in plans { #expect(letters[plan.name, default: 0] >= 7, "\(plan.name)") }
        for plan in [plans[1], plans[3]] {
            let report = try await rehearsal.runtime(plan).reconcile(acts: false)
            #expect(report.findings.isEmpty, "what is so old is nobody's to judge")
        }
    }

    private func pass(
        _ time: Duration, _ rehearsal: SagaRehearsal, _ plans: [ParticipantPlan]
    ) async throws {
        let end = rehearsal.clock.now + time
        _ = try await rehearsal.play(plans, notBeyond: end) { false }
    }

    private static func order(to country: String) -> OrderContracts.OrderCreated {
        OrderContracts.OrderCreated(
            userID: UserID(wellFormed: "1"), productID: ProductID(wellFormed: "lamp"), quantity: 1,
            total: Money(amount: 2000, currency: "EUR"),
            payment: PaymentMethod(token: "tok_visa"),
            shipping: ShippingAddress(
                street: "Straße 1", city: "Ort", postcode: "12345", country: country))
    }
}

/// Does at once what it is asked to, again whenever it is asked to: its memory of keys is short.
private final class PatientCompany: PaymentCompany, Carrier {
    struct Tally: Equatable {
        var acts = 0
        var standing = 0
        var undone = 0
        var dispatched = 0
    }

    private struct Books {
        var acts = 0
        var made: [String: Int64] = [:]
        var undone: Set<String> = []
        var final: Set<String> = []
    }

    private let clock: VirtualClock
    private let books = Mutex(Books())

    init(_ clock: VirtualClock) {
        self.clock = clock
    }

    var tally: Tally {
        books.withLock {
            Tally(
                acts: $0.acts, standing: $0.made.count - $0.undone.count, undone: $0.undone.count,
                dispatched: $0.final.count)
        }
    }

    private func act(_ key: String) {
        let now = clock.wallMilliseconds
        books.withLock {
            $0.acts += 1
            $0.made[key] = now
        }
    }

    func charge(
        _ amount: Money, token: String, reference: OrderID, key: String
    ) async throws(PaymentError) -> Result<Charge, BusinessFailure> {
        act(key)
        return .success(Charge(id: key))
    }

    func refund(chargeKey: String, key: String) async throws(PaymentError) -> Refund {
        _ = books.withLock { $0.undone.insert(chargeKey) }
        return .refunded(Money(amount: 2000, currency: "EUR"))
    }

    func arrange(
        _ parcel: Parcel, key: String
    ) async throws(ShippingError) -> Result<Shipment, BusinessFailure> {
        guard parcel.address.country != "AQ" else {
            return .failure(BusinessFailure(FailureReason.countryNotServed))
        }
        act(key)
        return .success(Shipment(id: key, trackingNumber: key))
    }

    func cancel(shipmentKey: String, key: String) async throws(ShippingError) -> Cancellation {
        _ = books.withLock { $0.undone.insert(shipmentKey) }
        return .cancelled
    }

    func dispatch(shipmentKey: String, key: String) async throws(ShippingError) -> Dispatch {
        _ = books.withLock { $0.final.insert(shipmentKey) }
        return Dispatch(id: key)
    }

    func entries(after cursor: String?, since time: Int64) async throws -> OutsidePage {
        OutsidePage(
            books.withLock { books in
                books.made.keys.sorted().compactMap { Self.entry($0, books) }
            })
    }

    func entry(under key: String) async throws -> OutsideEntry? {
        books.withLock { Self.entry(key, $0) }
    }

    private static func entry(_ key: String, _ books: Books) -> OutsideEntry? {
        books.made[key].map {
            OutsideEntry(
                key: key, made: $0,
                standing: books.undone.contains(key)
                    ? .undone : books.final.contains(key) ? .final : .standing)
        }
    }
}
