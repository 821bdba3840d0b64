/// The sums of the books, kept up entry by entry, so that an audit costs no more late than early.
struct Tally: Sendable, Hashable {
    /// What moved in one currency.
    struct Turnover: Sendable, Hashable {
        var charged = 0
        var refunded = 0
        var net: Int { charged - refunded }
    }

    /// Money by currency.
    private(set) var money: [String: Turnover] = [:]
    /// Shipments by where they stand now: arranged, cancelled or dispatched.
    private(set) var shipments: [BookEntry.Status: Int] = [:]
    /// Entries by kind and outcome.
    private(set) var entries: [SandboxRequest.Kind: [BookEntry.Status: Int]] = [:]

    private var standing: [String: BookEntry.Status] = [:]

    mutating func add(_ entry: BookEntry) {
        entries[entry.request.kind, default: [:]][entry.status, default: 0] += 1
        switch (entry.request, entry.status) {
        case (.charge(let amount, let currency, _, _), .succeeded):
            money[currency, default: Turnover()].charged += amount
        case (.refund, .refunded):
            guard let refund = entry.refunded else { break }
            money[refund.currency, default: Turnover()].refunded += refund.amount
        case (.shipment, .arranged): move(entry.key, to: .arranged)
        case (.cancellation(let key), .cancelled): move(key, to: .cancelled)
        case (.dispatch(let key), .dispatched): move(key, to: .dispatched)
        default: break
        }
    }

    private mutating func move(_ shipmentKey: String, to status: BookEntry.Status) {
        if let before = standing.updateValue(status, forKey: shipmentKey) {
            shipments[before, default: 0] -= 1
            if shipments[before] == 0 { shipments[before] = nil }
        }
        shipments[status, default: 0] += 1
    }
}
