import Foundation
import OrderContracts
import OrderService
import SandboxService
import ServiceHTTP
import Testing
import TroupeRedisTestKit

/// The saga against the sandbox: real HTTP, real time-outs, books that outlive everything.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct SandboxFlowTests {
    @Test func everyDocumentedInputEndsAsDocumented() async throws {
        try await withSandbox { system, sandbox in
            let expected: [(OrderRequest, String?)] = [
                (.order(quantity: 2), nil), (.order(token: "tok_flaky"), nil),
                (.order(token: "tok_declined"), "card_declined"),
                (.order(token: "tok_insufficient_funds"), "insufficient_funds"),
                (.order(token: "tok_unheard_of"), "payment_refused"),
                (.order(product: "5", quantity: 6), "out_of_stock"),
                (.order(country: "AQ"), "country_not_served"),
            ]
            let ids = try await withThrowingTaskGroup(of: (Int, OrderID).self) { group in
                for (index, (request, _)) in expected.enumerated() {
                    group.addTask { (index, try await system.place(request)) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for (index, id) in ids {
                #expect(try await system.ended(id).cancellation?.reason == expected[index].1)
            }
            try await addsUp(system, sandbox)
        }
    }

    @Test func chargeWithoutAnAnswerIsReturned() async throws {
        try await withSandbox {
            $0.giveUpAfter = .seconds(1)
        } _: { system, sandbox in
            let order = try await system.ended(system.place(.order(token: "tok_timeout")))

            #expect(order.status == .cancelled)
            #expect(order.cancellation?.reason == FailureReason.outcomeUnknown)
            let books = try await sandbox.get("/books").json["money"] as? [String: [String: Int]]
            #expect(books?["EUR"] == ["charged": 2000, "refunded": 2000, "net": 0])
            try await addsUp(system, sandbox)
        }
    }

    // MARK: - The sandbox

    private func withSandbox(
        _ change: (inout OrderSystem.Settings) -> Void = { _ in },
        _ body: (OrderSystem, WebClient) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("flow-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let host = Host {
            var configuration = SandboxServerConfiguration(
                path: folder.appendingPathComponent("books.jsonl").path, port: 0)
            configuration.isSeeded = false
            return try SandboxServer(
                configuration: configuration,
                logger: .silent)
        }
        try await host.start()
        let port = try await host.current.boundPort.value
        let sandbox = WebClient(port: port)
        do {
            try await OrderSystem.run {
                $0.sandboxURL = "http://127.0.0.1:\(port)"
                change(&$0)
            } _: { system in
                try await body(system, sandbox)
            }
        } catch {
            await host.crash()
            throw error
        }
        await host.crash()
    }

    /// Stock as the inventory counts it, money and shipments as the sandbox's books have them.
    private func addsUp(_ system: OrderSystem, _ sandbox: WebClient) async throws {
        let completed = try await system.stockAddsUp()
        try await eventually("all shipments are on their way") {
            let shipments = try await sandbox.get("/books").json["shipments"] as? [String: Int]
            return shipments?["dispatched"] == completed.count && shipments?["arranged"] == 0
        }
        let money = try await sandbox.get("/books").json["money"] as? [String: [String: Int]]
        let paid = completed.reduce(0) { $0 + $1.total.amount }
        #expect((money?["EUR"]?["net"] ?? 0) == paid)
    }
}
