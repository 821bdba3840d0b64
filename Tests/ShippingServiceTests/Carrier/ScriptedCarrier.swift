import HTTPTypes
import Hummingbird
import Logging
import ServiceHTTP
import ShippingService
import TroupeRedisTestKit

/// A carrier over HTTP that gives one answer to everything.
struct ScriptedCarrier {
    /// Runs `body` with a client of a carrier that answers so to every call.
    static func answering(
        _ status: HTTPResponse.Status, _ json: String,
        _ body: (HTTPCarrier) async throws -> Void
    ) async throws {
        let logger = Logger.silent
        let router = ServiceRouter(service: "carrier", logger: logger)
        for path in ["/shipments", "/cancellations", "/dispatches"] {
            router.post(path) { request, _ in
                guard request.headers[.init("Idempotency-Key") ?? .cookie] == "key" else {
                    return .json(.badRequest, text: Array(#"{"code":"no_key"}"#.utf8))
                }
                return .json(status, text: Array(json.utf8))
            }
        }
        let server = ServiceServer(
            name: "carrier", configuration: ServiceServerConfiguration(port: 0), router: router,
            logger: logger)
        let running = Task { try await server.run() }
        let client = JSONClient(
            baseURL: "http://127.0.0.1:\(try await server.boundPort.value)",
            timeout: .seconds(20))
        do {
            try await body(HTTPCarrier(client))
        } catch {
            await client.shutdown()
            running.cancel()
            throw error
        }
        await client.shutdown()
        running.cancel()
    }
}
