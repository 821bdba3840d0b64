import HTTPTypes
import Hummingbird
import JSONText
import Logging
import Observability
import OrderContracts
import ServiceHTTP
import Timekeeping

/// The order service over HTTP.
///
///     POST /orders                          201 + Location | 503 + Retry-After
///     GET  /orders?userId=&limit=&after=    200
///     GET  /orders/{id}                     200 | 404
///     POST /orders/{id}/cancel              202 | 200 | 409 | 404
struct OrderRoutes {
    let orders: Orders
    var readiness = Readiness()

    /// The longest time that `Prefer: wait` can hold an answer, in seconds.
    static let waitMaximum = 30

    func router(logger: Logger) -> ServiceRouter {
        let router = ServiceRouter(
            service: "orders", logger: logger,
            problem: { ($0 as? OrderError).map(Problem.init) })
        router.post("/orders") { request, context in try await place(request, context) }
        router.get("/orders") { request, _ in try await list(request) }
        router.get("/orders/{id}") { _, context in
            let order = try await orders.order(OrderID(wellFormed: try context.pathID()))
            return .json { order.write(to: &$0) }
        }
        router.post("/orders/{id}/cancel") { request, context in
            var order = try await orders.cancel(
                OrderID(wellFormed: try context.pathID()), traceparent: context.trace.traceparent)
            let headers = await hold(&order, for: request)
            return .json(order.status == .cancelled ? .ok : .accepted, headers: headers) {
                order.write(to: &$0)
            }
        }
        return router
    }

    private func place(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let key = try request.idempotencyKey().map(IdempotencyKey.init)
        let wanted = try await request.readJSON(context) { OrderRequest($0) }
        var placement = try await orders.place(
            wanted, key: key, traceparent: context.trace.traceparent)
        var headers: HTTPFields = [.location: "/orders/\(placement.order.id)"]
        if placement.isReplay { headers[.idempotencyReplayed] = "true" }
        headers.append(contentsOf: await hold(&placement.order, for: request))
        let order = placement.order
        return .json(.created, headers: headers) { order.write(to: &$0) }
    }

    /// Holds the answer until the order has ended, if and as long as the client prefers that, or
    /// until the process is to stop, which may be long before the service's own turn.
    private func hold(_ order: inout Order, for request: Request) async -> HTTPFields {
        guard let seconds = request.preferredWait else { return [:] }
        // The order stands, whatever becomes of the wait.
        let id = order.id
        let ended = await readiness.cancelWhenDraining { [orders] in
            try? await orders.order(id, endedWithin: .seconds(seconds))
        }
        order = ended ?? order
        return [.preferenceApplied: "wait=\(seconds)"]
    }

    private func list(_ request: Request) async throws -> Response {
        let (page, user) = try request.readQuery { query in
            (Page(query), query.identifier("userId").map(UserID.init(wellFormed:)))
        }
        // One more than asked for tells whether there is a next page.
        let orders = try await list(of: user, on: page, limit: page.limit + 1)
        let items = orders.prefix(page.limit)
        let next = orders.count > page.limit ? items.last?.id.text : nil
        return .page(items, next: next) { order, json in
            order.write(to: &json)
        }
    }

    private func list(
        of user: UserID?, on page: Page, limit: Int
    ) async throws -> [Order] {
        do {
            return try await orders.list(
                of: user, after: page.after.map(OrderID.init(wellFormed:)), limit: limit)
        } catch {
            guard error.code == .unknownOrder else { throw error }
            throw Problem.invalid([Problem.Fault(.parameter("after"), "must be an order's ID")])
        }
    }
}

// MARK: - What comes in

extension OrderRequest {
    /// Reads a body, reporting every faulty field to the reader.
    init(_ fields: FieldReader) {
        self.init(
            userID: UserID(wellFormed: fields.identifier("userId")),
            productID: ProductID(wellFormed: fields.identifier("productId")),
            quantity: fields.integer("quantity", in: Self.quantities),
            payment: fields.object("payment") { payment in
                PaymentMethod(
                    method: payment.choice("method", of: ["card"]),
                    token: payment.string("token", length: 1...128))
            },
            shipping: fields.object("shipping") { shipping in
                let country = shipping.country("country")
                return ShippingAddress(
                    street: shipping.string("street"),
                    city: shipping.string("city", length: 1...100),
                    postcode: shipping.postcode("postcode", in: country), country: country)
            })
    }
}

extension Request {
    /// The seconds of `Prefer: wait=N`, cut to what is allowed.
    ///
    /// Other preferences are not ours, and a preference may have parameters (RFC 7240).
    fileprivate var preferredWait: Int? {
        for value in headers[values: .prefer] {
            for preference in value.split(separator: ",") {
                let parts = preference.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
                    .map { $0.filter { $0 != " " && $0 != "\"" } }
                guard parts.count == 2, parts[0].lowercased() == "wait",
                    let seconds = Int(parts[1]),
                    seconds > 0
                else { continue }
                return min(seconds, OrderRoutes.waitMaximum)
            }
        }
        return nil
    }
}

// MARK: - What goes out

extension Order {
    fileprivate func write(to json: inout JSONWriter) {
        json.set("id", id.text)
        json.set("userId", userID.text)
        json.set("productId", productID.text)
        json.set("quantity", quantity)
        json.set("status", status.rawValue)
        json.set("total") { json in
            json.set("amount", total.amount)
            json.set("currency", total.currency)
        }
        json.set("createdAt", createdAt.description)
        json.set("updatedAt", updatedAt.description)
        if let cancellation {
            json.set("cancellation") { json in
                json.set("reason", cancellation.reason)
                json.set("detail", cancellation.detail)
            }
        }
    }
}

extension Problem {
    fileprivate init(_ error: OrderError) {
        switch error.code {
        case .unknownUser: self = .unprocessable(error, "/userId", "names no user")
        case .unknownProduct: self = .unprocessable(error, "/productId", "names no product")
        case .totalTooLarge: self = .unprocessable(error, "/quantity", "makes the total too large")
        case .keyReused: self = .unprocessable(code: error.code.description, error.message)
        case .unknownOrder: self = .notFound(error.message)
        case .tooLate: self = .conflict(code: error.code.description, error.message)
        case .unavailable: self = .unavailable(error.message, cause: error)
        case .overloaded:
            self = Problem(
                .serviceUnavailable, code: error.code.description, detail: error.message,
                headers: [.retryAfter: String((error.retryAfter ?? .zero).roundedUpSeconds)])
        default: self = .internal(cause: error)
        }
    }

    private static func unprocessable(
        _ error: OrderError, _ pointer: String, _ detail: String
    ) -> Problem {
        var problem = Problem.unprocessable(code: error.code.description, error.message)
        problem.faults = [Fault(.pointer(pointer), detail)]
        return problem
    }
}

extension Duration {
    fileprivate var roundedUpSeconds: Int64 {
        max(1, components.seconds + (components.attoseconds > 0 ? 1 : 0))
    }
}

extension HTTPField.Name {
    fileprivate static let idempotencyReplayed = name("Idempotency-Replayed")
    fileprivate static let prefer = name("Prefer")
    fileprivate static let preferenceApplied = name("Preference-Applied")

    /// The names above are all tokens, so there is always one.
    private static func name(_ text: String) -> HTTPField.Name {
        HTTPField.Name(text) ?? .cookie
    }
}
