extension Books {
    /// What moved in one currency.
    struct Turnover: Sendable, Hashable {
        var charged = 0
        var refunded = 0
        var net: Int { charged - refunded }
    }

    /// Money by currency.
    var turnover: [String: Turnover] {
        entries.reduce(into: [:]) { sums, entry in
            if case .charge(let amount, let currency, _, _) = entry.request,
                entry.status == .succeeded
            {
                sums[currency, default: Turnover()].charged += amount
            }
            if let refund = entry.refunded {
                sums[refund.currency, default: Turnover()].refunded += refund.amount
            }
        }
    }

    /// Shipments by where they stand: arranged, cancelled or dispatched.
    var shipments: [BookEntry.Status: Int] {
        var standing: [String: BookEntry.Status] = [:]
        for entry in entries {
            switch (entry.request, entry.status) {
            case (.shipment, .arranged): standing[entry.key] = .arranged
            case (.cancellation(let key), .cancelled): standing[key] = .cancelled
            case (.dispatch(let key), .dispatched): standing[key] = .dispatched
            default: break
            }
        }
        return standing.values.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    /// How many entries of each kind there are, by their outcome.
    var counts: [SandboxRequest.Kind: [BookEntry.Status: Int]] {
        entries.reduce(into: [:]) { counts, entry in
            counts[entry.request.kind, default: [:]][entry.status, default: 0] += 1
        }
    }

    /// The entries of a kind behind a number, oldest first, one more than the limit at most.
    func list(
        _ kind: SandboxRequest.Kind, reference: String?, after number: Int, limit: Int
    ) -> [BookEntry] {
        var found: [BookEntry] = []
        for entry in entries.dropFirst(number) where entry.request.kind == kind {
            if let reference, entry.reference != reference { continue }
            found.append(entry)
            if found.count > limit { break }
        }
        return found
    }
}
