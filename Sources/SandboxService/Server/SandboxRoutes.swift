import HTTPTypes
import Hummingbird
import JSONText
import Logging
import NIOCore
import ServiceHTTP
import ServiceLifecycle

extension SandboxServer {
    /// All routes of the sandbox.
    static func router(
        _ sandbox: Sandbox, silence: Duration, logger: Logger
    ) -> ServiceRouter {
        let router = ServiceRouter(service: "sandbox", logger: logger)
        for kind in SandboxRequest.Kind.allCases {
            router.post("/\(kind.path)") { request, context in
                let key = try request.requiredIdempotencyKey()
                let asked = try await request.readJSON(context) { SandboxRequest(kind, $0) }
                guard let asked else { throw Problem.unknownToken }
                let entry = try await sandbox.submit(asked, key: key)
                if entry.neverAnswers { return await context.hangUp(after: silence) }
                return try entry.answer()
            }
            router.get("/\(kind.path)") { request, _ in
                try list(kind, of: sandbox, request)
            }
            router.get("/\(kind.path)/{key}") { _, context in
                guard let key = context.pathText("key"),
                    let (entry, state) = sandbox.read({ books in
                        books.entry(kind, key: key).map { ($0, books.state(of: $0)) }
                    })
                else { throw Problem.notFound("There is no \(kind.rawValue) under this key.") }
                return .json { json in
                    entry.write(to: &json)
                    json.set("state", state.rawValue)
                }
            }
        }
        router.get("/books") { _, _ in audit(sandbox.read { $0.tally }) }
        return router
    }

    private static func list(
        _ kind: SandboxRequest.Kind, of sandbox: Sandbox, _ request: Request
    ) throws(Problem) -> Response {
        let (page, reference) = try request.readQuery { query in
            (Page(query), query.string("reference"))
        }
        guard let after = Int(page.after ?? "0"), after >= 0 else {
            throw .invalid([Problem.Fault(.parameter("after"), "must be a cursor from `next`")])
        }
        // One more than asked for tells whether there is a next page.
        let found = sandbox.read { books in
            books.list(kind, reference: reference, after: after, limit: page.limit + 1)
                .map { (entry: $0, state: books.state(of: $0)) }
        }
        let items = found.prefix(page.limit)
        let next = found.count > page.limit ? items.last.map { String($0.entry.number) } : nil
        return .page(items, next: next) { item, json in
            item.entry.write(to: &json)
            json.set("state", item.state.rawValue)
        }
    }

    private static func audit(_ tally: Tally) -> Response {
        .json { json in
            json.set("money") { json in
                for (currency, turnover) in tally.money.sorted(by: { $0.key < $1.key }) {
                    json.set(currency) { json in
                        json.set("charged", turnover.charged)
                        json.set("refunded", turnover.refunded)
                        json.set("net", turnover.net)
                    }
                }
            }
            json.set("shipments") { json in
                for status in [BookEntry.Status.arranged, .cancelled, .dispatched] {
                    json.set(status.rawValue, tally.shipments[status] ?? 0)
                }
            }
            json.set("entries") { json in
                for kind in SandboxRequest.Kind.allCases {
                    json.set(kind.path) { json in
                        let counts = tally.entries[kind] ?? [:]
                        for status in BookEntry.Status.allCases where counts[status] != nil {
                            json.set(status.rawValue, counts[status])
                        }
                    }
                }
            }
        }
    }
}

extension SandboxRequest.Kind {
    fileprivate var path: String {
        switch self {
        case .charge: "charges"
        case .refund: "refunds"
        case .shipment: "shipments"
        case .cancellation: "cancellations"
        case .dispatch: "dispatches"
        }
    }
}

extension SandboxRequest {
    /// Nil if a charge is for a card that nobody knows; other faults are the reader's to report.
    fileprivate init?(_ kind: Kind, _ fields: FieldReader) {
        switch kind {
        case .charge:
            let amount = fields.integer("amount", in: 1...1_000_000_000_000)
            let currency = fields.currency("currency")
            let token = CardToken(rawValue: fields.string("token", length: 1...128))
            let reference = fields.string("reference", length: 1...128)
            guard let token else { return nil }
            self = .charge(
                amount: amount, currency: currency, token: token, reference: reference)
        case .refund:
            self = .refund(
                chargeKey: fields.string("chargeKey", length: 1...255),
                reason: fields.string("reason"))
        case .shipment: self = .shipment(ParcelRequest(fields))
        case .cancellation:
            self = .cancellation(shipmentKey: fields.string("shipmentKey", length: 1...255))
        case .dispatch:
            self = .dispatch(shipmentKey: fields.string("shipmentKey", length: 1...255))
        }
    }
}

extension Problem {
    fileprivate static let unknownToken = Problem(
        .badRequest, code: "unknown_token", detail: "The payment company does not know this card.",
        faults: [
            Fault(
                .pointer("/token"),
                "must be one of \(CardToken.allCases.map(\.rawValue).joined(separator: ", "))")
        ])
}

extension ParcelRequest {
    fileprivate init(_ fields: FieldReader) {
        self.init(
            reference: fields.string("reference", length: 1...128),
            productID: fields.string("productId", length: 1...128),
            quantity: fields.integer("quantity", in: 1...1_000_000),
            address: fields.object("address") { fields in
                Address(
                    street: fields.string("street"), city: fields.string("city"),
                    postcode: fields.optionalString("postcode", length: 0...20) ?? "",
                    country: fields.country("country"))
            })
    }
}

extension BookEntry {
    fileprivate var neverAnswers: Bool {
        if case .charge(_, _, .timeout, _) = request { true } else { false }
    }

    fileprivate func answer() throws(Problem) -> Response {
        switch status {
        case .cardDeclined:
            throw Problem(
                .paymentRequired, code: status.rawValue, detail: "The card was declined.")
        case .insufficientFunds:
            throw Problem(
                .paymentRequired, code: status.rawValue, detail: "The card has not enough money.")
        case .countryNotServed:
            throw .unprocessable(code: status.rawValue, "The carrier does not go to this country.")
        default: return .json(.created) { write(to: &$0) }
        }
    }
}

extension ServiceContext {
    /// Says nothing for a while, then closes the connection; the response is for the log alone.
    fileprivate func hangUp(after silence: Duration) async -> Response {
        try? await cancelWhenGracefulShutdown { try await Task.sleep(for: silence) }
        try? await channel.close()
        return Response(status: .requestTimeout)
    }
}
