import CloudEvents
import Foundation
import Testing
import TroupeRedisTestKit

@testable import troupe

/// `tail`, `saga show` and `doctor` on a running system.
@Suite(.system, .timeLimit(.minutes(2)))
struct WatchingTests {
    @Test func tailPrintsEventsAsTheyWerePublished() async throws {
        let system = try RunningSystem.current
        let tail = try Tool.start(["tail", "--json", "--type", "OrderCreated"], on: system)
        let product = try await system.newProduct(stock: 1_000)

        // Until the subscription is in place, events pass unheard.
        let id = try await eventualValue("tail prints an event") {
            let id = try await system.placed(RunningSystem.order(product))
            return tail.output.contains(id) ? id : nil
        }

        let lines = tail.output.split(separator: "\n")
        let events = try lines.map { try CloudEvent(json: Array($0.utf8)) }
        #expect(events.allSatisfy { $0.type == "OrderCreated" })
        #expect(events.contains { $0.correlationID == id })
        tail.program.send(SIGTERM)
        _ = await tail.program.exitStatus()
    }

    @Test func slipInATypeIsNotWaitedForSilently() async throws {
        let system = try RunningSystem.current
        _ = try await system.ended(try await system.placed(RunningSystem.order("1")))

        let tail = try Tool.start(["tail", "--type", "OrderCreatd"], on: system)

        try await eventually("tail says what it listens for") {
            tail.errors.contains("did you mean OrderCreated?")
        }
        tail.program.send(SIGTERM)
        _ = await tail.program.exitStatus()
    }

    @Test func takenPortIsNamedWithANextStep() async throws {
        let system = try RunningSystem.current
        let port = system.addresses.port(of: .payments)

        let serve = try Tool.start(["serve", "payments", "--port", String(port)], on: system)

        #expect(await serve.program.exitStatus() == 1)
        #expect(serve.errors.contains("port \(port), for payments, is in use"))
        #expect(serve.errors.contains("troupe serve payments --port \(port + 1_000)"))
        #expect(serve.errors.split(separator: "\n").count == 2, "\(serve.errors)")
    }

    @Test func sagaShowListsAnOrdersEventsInTheirOrder() async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 5)
        let id = try await system.placed(RunningSystem.order(product, country: "AQ"))
        _ = try await system.ended(id)

        let show = try Tool.start(["saga", "show", id, "--json"], on: system)
        #expect(await show.program.exitStatus() == 0)

        let types = try show.output.split(separator: "\n").map {
            try CloudEvent(json: Array($0.utf8)).type
        }
        #expect(
            types.prefix(4) == [
                "OrderCreated", "PaymentProcessed", "ProductReserved", "ShippingFailed",
            ])
        // Whether it had to wait for the answers, one of which may come before the failure.
        let after = Set(types.dropFirst(4)).subtracting(["OrderCancelling"])
        #expect(after == ["PaymentRefunded", "ProductReleased", "OrderCancelled"])
        #expect(types.last == "OrderCancelled")
    }

    @Test func unknownSagaIsNotFound() async throws {
        let show = try Tool.start(["saga", "show", UUIDv7.next()], on: try RunningSystem.current)

        #expect(await show.program.exitStatus() == 3)
        #expect(show.output.isEmpty)
    }

    @Test func gatewayCountsWhatItAnswers() async throws {
        let system = try RunningSystem.current
        let metrics = "http://\(Addresses.host):\(system.addresses.admin)/metrics"
        let before = Samples(try await Web.get(metrics).body)
        let id = UUIDv7.next()
        let product = try await system.newProduct(stock: 1)
        for _ in 1...3 { _ = try await Web.get("\(system.gateway)/products/\(product)") }
        _ = try await Web.get("\(system.gateway)/products/\(id)")
        _ = try await Web.get("\(system.gateway)/nowhere")

        let answer = try await Web.get(metrics)
        let after = Samples(answer.body)

        #expect(answer.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
        func grown(_ name: String, _ labels: String...) -> Double {
            after.sum(name, labels) - before.sum(name, labels)
        }
        let route = #"route="product""#
        #expect(grown("gateway_requests_total", route, #"status="200""#, #"method="GET""#) == 3)
        #expect(grown("gateway_requests_total", route, #"status="404""#) == 1)
        #expect(grown("gateway_requests_total", #"route="none""#, #"status="404""#) == 1)
        #expect(grown("gateway_cache_total", route) == 4)
        #expect(grown("gateway_cache_total", route, #"outcome="miss""#) >= 2)
        #expect(grown("gateway_request_duration_seconds_count", route) == 4)
        #expect(grown("gateway_request_duration_seconds_sum", route) > 0)
        #expect(grown("gateway_upstream_duration_seconds_count", #"upstream="products""#) >= 2)
        #expect(after.sum("gateway_l1_entries", []) > 0)
    }

    @Test func doctorFindsARedisForTestsHealthy() async throws {
        let system = try RunningSystem.current
        let doctor = try Tool.start(
            ["doctor", "--port", String(system.addresses.gateway)], on: system)

        let status = await doctor.program.exitStatus()

        #expect(status == 0, "\(doctor.output)")
        #expect(doctor.output.contains("append-only file"))
        #expect(doctor.output.contains("in use"))
    }
}

/// The samples of a page of metrics.
private struct Samples {
    private let lines: [Substring]

    init(_ page: String) { lines = page.split(separator: "\n").filter { !$0.hasPrefix("#") } }

    /// The sum of the samples of that name that have all the labels.
    func sum(_ name: String, _ labels: [String]) -> Double {
        lines.filter { line in
            (line.hasPrefix(name + "{") || line.hasPrefix(name + " "))
                && labels.allSatisfy { line.contains($0) }
        }
        .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
        .reduce(0, +)
    }
}

/// A subcommand with what it printed.
private struct Tool {
    let program: ChildProgram
    private let file: String

    static func start(_ arguments: [String], on system: RunningSystem) throws -> Tool {
        let file = "\(system.folder)/\(UUID().uuidString)"
        let output = Foundation.open(file + ".out", O_WRONLY | O_CREAT, 0o644)
        let errors = Foundation.open(file + ".err", O_WRONLY | O_CREAT, 0o644)
        defer {
            Foundation.close(output)
            Foundation.close(errors)
        }
        let program = try ChildProgram(
            BuiltProgram.path, arguments + ["--redis", system.redis.url],
            streams: .init(output: output, errors: errors))
        return Tool(program: program, file: file)
    }

    var output: String { Self.text(file + ".out") }

    var errors: String { Self.text(file + ".err") }

    private static func text(_ path: String) -> String {
        let bytes = FileManager.default.contents(atPath: path) ?? Data()
        return String(decoding: bytes, as: UTF8.self)
    }
}
