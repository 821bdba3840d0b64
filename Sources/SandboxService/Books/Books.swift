import HTTPTypes
import ServiceHTTP
import Timekeeping

//               charge ──────────► succeeded ──refund──► refunded, once
//              ╱   ╲─────────────► card_declined, insufficient_funds
//   key ──────┤     ╲─ voided ───► 409
//              ╲refund first ────► nothing_to_refund, and the key is voided
//
//               shipment ────────► arranged ──cancellation──► cancelled, once
//              ╱   ╲                  ╲─────── dispatch ────► dispatched; no cancellation then
//   key ──────┤     ╲─ voided ───► 409
//              ╲cancellation first ► nothing_to_cancel, and the key is voided
//
// Undoing what never came blocks what was to be undone, as such companies' systems should: only
// then can a client that got no answer undo and be sure.

/// What became of an entry of the books.
enum BookState: String, Sendable {
    /// It stands, and can be taken back.
    case standing
    /// It stands for good.
    case final
    /// It was taken back, or nothing came of it.
    case undone
}

/// What the payment company and the carrier know.
///
/// Pure: no clock, no file.
struct Books: Sendable {
    enum Decision {
        /// Write this down, then answer with it.
        case write(BookEntry)
        /// It was done under this key before.
        case repeated(BookEntry)
        case refuse(Problem)
    }

    private(set) var entries: [BookEntry] = []
    private(set) var tally = Tally()
    private var index = BookIndex()
    private var refunds: [String: Int] = [:]
    private var cancellations: [String: Int] = [:]
    private var dispatches: [String: Int] = [:]
    /// How often a flaky card was tried, by key.
    ///
    /// Not written down: a restart begins anew.
    private var flakyAttempts: [String: Int] = [:]

    /// The entry of that kind and key.
    func entry(_ kind: SandboxRequest.Kind, key: String) -> BookEntry? {
        index.number(kind, key: key).map { entries[$0 - 1] }
    }

    /// Entries of a kind in the order they were written, behind a number.
    func list(
        _ kind: SandboxRequest.Kind, reference: String?, after number: Int, limit: Int
    ) -> [BookEntry] {
        index.numbers(kind, reference: reference, after: number, limit: limit).map {
            entries[$0 - 1]
        }
    }

    /// What became of an entry: whether something stands by it, and whether for good.
    func state(of entry: BookEntry) -> BookState {
        switch entry.status {
        case .succeeded:
            refunds[entry.key] == nil ? .standing : .undone
        case .arranged where cancellations[entry.key] == nil:
            dispatches[entry.key] == nil ? .standing : .final
        case .refunded, .cancelled, .dispatched: .final
        case .arranged, .cardDeclined, .insufficientFunds, .nothingToRefund, .countryNotServed,
            .nothingToCancel:
            .undone
        }
    }

    /// Decides; only `apply` changes the books, except for the count of flaky attempts.
    mutating func decide(_ request: SandboxRequest, key: String, time: Timestamp) -> Decision {
        if let known = entry(request.kind, key: key) {
            guard known.request == request else { return .refuse(.keyReused) }
            return undone(request.kind, key: key).map { .refuse($0) } ?? .repeated(known)
        }
        var entry = BookEntry(
            number: entries.count + 1, time: time, key: key, request: request, status: .succeeded,
            reference: "")
        do {
            switch request {
            case .charge(_, _, let token, let reference):
                entry.reference = reference
                entry.status = try charge(token, key: key)
            case .refund(let chargeKey, _):
                refund(chargeKey, into: &entry)
            case .shipment(let parcel):
                entry.reference = parcel.reference
                entry.status = try shipment(parcel, key: key)
            case .cancellation(let shipmentKey):
                try cancellation(shipmentKey, into: &entry)
            case .dispatch(let shipmentKey):
                try dispatch(shipmentKey, into: &entry)
            }
        } catch {
            return .refuse(error)
        }
        return .write(entry)
    }

    /// Takes an entry into the books, a decided one or one read from the file.
    mutating func apply(_ entry: BookEntry) {
        entries.append(entry)
        index.add(entry)
        tally.add(entry)
        switch entry.request {
        case .charge: flakyAttempts[entry.key] = nil
        case .refund(let chargeKey, _):
            // The first one counts: later ones find nothing.
            if refunds[chargeKey] == nil { refunds[chargeKey] = entry.number }
        case .shipment: break
        case .cancellation(let shipmentKey):
            if cancellations[shipmentKey] == nil { cancellations[shipmentKey] = entry.number }
        case .dispatch(let shipmentKey):
            if dispatches[shipmentKey] == nil { dispatches[shipmentKey] = entry.number }
        }
    }

    /// Why a key cannot be used any more: its undo was seen, whatever there was to undo.
    private func undone(_ kind: SandboxRequest.Kind, key: String) -> Problem? {
        switch kind {
        case .charge where refunds[key] != nil:
            .conflict(
                code: "charge_voided", "This key was refunded, so it cannot be charged any more.")
        case .shipment where cancellations[key] != nil:
            .conflict(
                code: "shipment_voided",
                "This key was cancelled, so it cannot be shipped any more.")
        default: nil
        }
    }

    // MARK: - The payment company

    private mutating func charge(
        _ token: CardToken, key: String
    ) throws(Problem) -> BookEntry.Status {
        if let problem = undone(.charge, key: key) { throw problem }
        switch token {
        case .visa, .timeout: return .succeeded
        case .declined: return .cardDeclined
        case .insufficientFunds: return .insufficientFunds
        case .flaky:
            let attempts = flakyAttempts[key, default: 0]
            guard attempts < 2 else { return .succeeded }
            if flakyAttempts.count >= 100_000 { flakyAttempts = [:] }
            flakyAttempts[key] = attempts + 1
            throw .unavailable("The payment company is out of order. Try again.")
        }
    }

    private func refund(_ chargeKey: String, into entry: inout BookEntry) {
        entry.status = .nothingToRefund
        guard let charge = self.entry(.charge, key: chargeKey) else { return }
        entry.reference = charge.reference
        guard charge.status == .succeeded, refunds[chargeKey] == nil,
            case .charge(let amount, let currency, _, _) = charge.request
        else { return }
        entry.status = .refunded
        entry.refunded = BookEntry.Sum(amount: amount, currency: currency)
    }

    // MARK: - The carrier

    /// Countries where no parcel goes: Antarctica.
    private static let countriesNotServed: Set<String> = ["AQ"]

    private func shipment(
        _ parcel: ParcelRequest, key: String
    ) throws(Problem) -> BookEntry.Status {
        if let problem = undone(.shipment, key: key) { throw problem }
        let isServed = !Self.countriesNotServed.contains(parcel.address.country)
        return isServed ? .arranged : .countryNotServed
    }

    private func cancellation(
        _ shipmentKey: String, into entry: inout BookEntry
    ) throws(Problem) {
        guard dispatches[shipmentKey] == nil else {
            throw .conflict(code: "already_dispatched", "The shipment is on its way already.")
        }
        entry.status = .nothingToCancel
        guard let shipment = self.entry(.shipment, key: shipmentKey) else { return }
        entry.reference = shipment.reference
        guard shipment.status == .arranged, cancellations[shipmentKey] == nil else { return }
        entry.status = .cancelled
    }

    private func dispatch(_ shipmentKey: String, into entry: inout BookEntry) throws(Problem) {
        guard let shipment = self.entry(.shipment, key: shipmentKey), shipment.status == .arranged
        else {
            throw .conflict(code: "shipment_unknown", "No shipment is arranged under this key.")
        }
        guard cancellations[shipmentKey] == nil else {
            throw .conflict(code: "shipment_cancelled", "The shipment is cancelled.")
        }
        entry.reference = shipment.reference
        entry.status = .dispatched
    }
}

extension Problem {
    fileprivate static let keyReused = Problem.unprocessable(
        code: "idempotency_key_reused", "This key was used with another body before.")
}
