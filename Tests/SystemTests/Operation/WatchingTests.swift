import CloudEvents
import Foundation
import RedisTestKit
import Testing

@testable import troupe

/// `tail`, `saga show` and `doctor` on a running system.
@Suite(.stage, .timeLimit(.minutes(2)))
struct WatchingTests {
    @Test func tailPrintsEventsAsTheyWerePublished() async throws {
        let stage = try Stage.current
        let tail = try Tool.start(["tail", "--json", "--type", "OrderCreated"], on: stage)
        let product = try await stage.newProduct(stock: 1_000)

        // Until the subscription is in place, events pass unheard.
        let id = try await eventually("tail prints an event") {
            let id = try await stage.placed(Stage.order(product))
            return tail.output.contains(id) ? id : nil
        }

        let lines = tail.output.split(separator: "\n")
        let events = try lines.map { try CloudEvent(json: Array($0.utf8)) }
        #expect(events.allSatisfy { $0.type == "OrderCreated" })
        #expect(events.contains { $0.correlationID == id })
        tail.program.send(SIGTERM)
        _ = await tail.program.exitStatus()
    }

    @Test func sagaShowListsAnOrdersEventsInTheirOrder() async throws {
        let stage = try Stage.current
        let product = try await stage.newProduct(stock: 5)
        let id = try await stage.placed(Stage.order(product, country: "AQ"))
        _ = try await stage.ended(id)

        let show = try Tool.start(["saga", "show", id, "--json"], on: stage)
        #expect(await show.program.exitStatus() == 0)

        let types = try show.output.split(separator: "\n").map {
            try CloudEvent(json: Array($0.utf8)).type
        }
        #expect(
            types.prefix(4) == [
                "OrderCreated", "PaymentProcessed", "ProductReserved", "ShippingFailed",
            ])
        #expect(
            Set(types.dropFirst(4)) == ["PaymentRefunded", "ProductReleased", "OrderCancelled"])
        #expect(types.last == "OrderCancelled")
    }

    @Test func unknownSagaIsNotFound() async throws {
        let show = try Tool.start(["saga", "show", UUIDv7.next()], on: try Stage.current)

        #expect(await show.program.exitStatus() == 3)
        #expect(show.output.isEmpty)
    }

    @Test func doctorFindsARedisForTestsHealthy() async throws {
        let stage = try Stage.current
        let doctor = try Tool.start(
            ["doctor", "--port", String(stage.addresses.gateway)], on: stage)

        let status = await doctor.program.exitStatus()

        #expect(status == 0, "\(doctor.output)")
        #expect(doctor.output.contains("append-only file"))
        #expect(doctor.output.contains("in use"))
    }
}

/// A subcommand with what it printed.
private struct Tool {
    let program: ChildProgram
    private let file: String

    static func start(_ arguments: [String], on stage: Stage) throws -> Tool {
        let file = "\(stage.folder)/\(UUID().uuidString).out"
        let descriptor = Foundation.open(file, O_WRONLY | O_CREAT, 0o644)
        defer { Foundation.close(descriptor) }
        let program = try ChildProgram(
            BuiltProgram.path, arguments + ["--redis", stage.redis.url],
            streams: .init(output: descriptor))
        return Tool(program: program, file: file)
    }

    var output: String {
        let bytes = FileManager.default.contents(atPath: file) ?? Data()
        return String(decoding: bytes, as: UTF8.self)
    }
}
