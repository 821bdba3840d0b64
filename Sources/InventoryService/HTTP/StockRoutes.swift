import Hummingbird
import JSONText
import Logging
import OrderContracts
import ServiceHTTP

/// The inventory over HTTP.
///
///     GET /inventory/{productId}                200 | 404
///     PUT /inventory/{productId} {available}    200
struct StockRoutes {
    let stock: Stock

    func router(logger: Logger) -> ServiceRouter {
        let router = ServiceRouter(
            service: "inventory", logger: logger,
            problem: { error in
                guard let error = error as? InventoryError, error.retry else { return nil }
                return .unavailable(error.message, cause: error)
            })
        router.get("/inventory/{productId}") { _, context in
            let product = ProductID(wellFormed: try context.pathID("productId"))
            guard let level = try await stock.level(of: product) else {
                throw Problem.notFound("Product \(product) is not in the inventory.")
            }
            return .json { level.write(to: &$0) }
        }
        router.put("/inventory/{productId}") { request, context in
            let product = ProductID(wellFormed: try context.pathID("productId"))
            let available = try await request.readJSON(context) {
                $0.integer("available", in: StockLevel.availableRange)
            }
            let level = try await stock.setAvailable(available, of: product)
            return .json { level.write(to: &$0) }
        }
        return router
    }
}

extension StockLevel {
    fileprivate func write(to json: inout JSONWriter) {
        json.set("productId", productID.text)
        json.set("available", available)
        json.set("reserved", reserved)
        json.set("shipped", shipped)
    }
}
