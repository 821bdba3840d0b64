import HTTPTypes
import Hummingbird
import Logging
import PaymentService
import ServiceHTTP
import TroupeRedisTestKit

/// A payment company over HTTP that gives one answer to everything.
struct ScriptedCompany {
    /// Runs `body` with a client of a company that answers so to every call, or not at all.
    static func answering(
        _ status: HTTPResponse.Status, _ json: String, isSilent: Bool = false,
        _ body: (HTTPPaymentCompany) async throws -> Void
    ) async throws {
        let logger = Logger.silent
        let router = ServiceRouter(service: "company", logger: logger)
        for path in ["/charges", "/refunds"] {
            router.post(path) { request, _ in
                guard request.headers[.init("Idempotency-Key") ?? .cookie] == "key" else {
                    return .json(.badRequest, text: Array(#"{"code":"no_key"}"#.utf8))
                }
                if isSilent { try? await Task.sleep(for: .seconds(3_600)) }
                return .json(status, text: Array(json.utf8))
            }
        }
        let server = ServiceServer(
            name: "company", configuration: ServiceServerConfiguration(port: 0), router: router,
            logger: logger)
        let running = Task { try await server.run() }
        let client = JSONClient(
            baseURL: "http://127.0.0.1:\(try await server.boundPort.value)",
            timeout: isSilent ? .milliseconds(300) : .seconds(20))
        do {
            try await body(HTTPPaymentCompany(client))
        } catch {
            await client.shutdown()
            running.cancel()
            throw error
        }
        await client.shutdown()
        running.cancel()
    }
}
