import CloudEvents
import Foundation
import NIOCore
import OrderContracts
import SagaRedis
import Testing
import Timekeeping
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// `troupe reconcile` as a person uses it after a loss: it shows, and does it when told to.
@Suite(.timeLimit(.minutes(5)))
struct ReconcileTests {
    @Test func whatIsShownIsDoneWithTheWordAndNotWithout() async throws {
        let redis = try await RedisServer.launch()
        let addresses = try await Ports.free()
        let key = "troupe:order:7:payment:charge"
        let sandbox = try Self.sandbox(holding: key, addresses, redis)
        try await eventually("the company answers") {
            (try? await Web.get("\(addresses.url(of: .sandbox))/books"))?.status == 200
        }
        // The order was cancelled before payments saw it, and its charge stands.
        let client = redis.client()
        let ledger = "saga:{payment}:ledger:7"
        _ = try await client.send(RedisCommand("HSET", [.string(ledger), "charge", "tombstone e"]))

        let shown = try await Self.run([], addresses, redis)
        #expect(shown.status == 1)
        #expect(shown.output.contains("charge of 7"), "\(shown.output)")
        #expect(shown.output.contains("troupe reconcile -y"), "\(shown.output)")
        let untouched = try await Web.get("\(addresses.url(of: .sandbox))/charges/\(key)")
        #expect(untouched.body.contains("\"state\":\"standing\""))

        let done = try await Self.run(["-y"], addresses, redis)
        #expect(done.status == 0, "\(done.output)")
        let undone = try await Web.get("\(addresses.url(of: .sandbox))/charges/\(key)")
        #expect(undone.body.contains("\"state\":\"undone\""), "\(undone.body)")

        let after = try await Self.run(["--json"], addresses, redis)
        #expect(after.status == 0 && after.output.isEmpty, "\(after.output)")
        await sandbox.close()
        await client.shutdown()
        await redis.stop()
    }

    /// Redis has lost everything, and the order's first event comes again: from a backup of the
    /// stream, perhaps.
    @Test func afterALossNothingIsDoneAndAPersonIsTold() async throws {
        let redis = try await RedisServer.launch()
        let addresses = try await Ports.free()
        let id = UUIDv7.next()
        let key = "troupe:order:\(id):payment:charge"
        let sandbox = try Self.sandbox(holding: key, addresses, redis)
        let books = "\(addresses.url(of: .sandbox))/books"
        try await eventually("the company answers") { (try? await Web.get(books))?.status == 200 }
        let before = try await Web.get(books).body
        let client = redis.client()
        let keys = SagaKeys()
        let event = Self.order(id, made: SystemTime.milliseconds() - 600_000)
        _ = try await client.send(
            RedisCommand(
                "XADD",
                [
                    .string(keys.stream("OrderCreated", owner: "order")), "*", "data",
                    .bytes(event.json()),
                ]))
        let payments = try LoneProgram(
            "serve payments", port: addresses.port(of: .payments),
            variables: ["REDIS_URL": redis.url, "SANDBOX_URL": addresses.url(of: .sandbox)])

        let letter = try await eventualValue("the event is set aside") {
            try await client.send(.xrange(keys.dead("payment"))).streamEntries().first
        }
        #expect(letter["reason"].map { String(buffer: $0) } == "too_old")
        for options in [[], ["-y"]] {
            let told = try await Self.run(options, addresses, redis)
            #expect(told.status == 1)
            #expect(told.output.contains("charge of \(id)"), "\(told.output)")
            #expect(told.output.contains("from before the data in Redis"), "\(told.output)")
            #expect(!told.output.contains("troupe reconcile -y"), "there is nothing to be done")
        }
        let charge = try await Web.get("\(addresses.url(of: .sandbox))/charges/\(key)")
        #expect(charge.body.contains("\"state\":\"standing\""), "\(charge.body)")
        #expect(try await Web.get(books).body == before)

        await payments.close()
        await sandbox.close()
        await client.shutdown()
        await redis.stop()
    }

    private static func order(_ id: String, made time: Int64) -> CloudEvent {
        CloudEvent(
            source: "/order", type: "OrderCreated", subject: id, time: time,
            coordination: "choreography", route: "order",
            data: Array(
                """
                {"userId":"1","productId":"1","quantity":1,\
                "total":{"amount":1999,"currency":"EUR"},\
                "payment":{"method":"card","token":"tok_visa"},\
                "shipping":{"street":"s","city":"c","postcode":"10115","country":"DE"}}
                """.utf8))
    }

    /// A company whose books hold a charge of ten minutes ago.
    private static func sandbox(
        holding key: String, _ addresses: Addresses, _ redis: RedisServer
    ) throws -> LoneProgram {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "troupe-books-\(UUID().uuidString)").path
        try DataFolder.create(folder)
        let time = Timestamp(milliseconds: SystemTime.milliseconds() - 600_000)
        let line = """
            {"number":1,"time":"\(time)","kind":"charge","key":"\(key)","status":"succeeded",\
            "reference":"7","amount":1999,"currency":"EUR","token":"tok_visa"}

            """
        try Data(line.utf8).write(to: URL(filePath: "\(folder)/sandbox.jsonl"))
        return try LoneProgram(
            "serve sandbox", port: addresses.port(of: .sandbox),
            variables: ["REDIS_URL": redis.url, "TROUPE_DATA": folder])
    }

    private static func run(
        _ options: [String], _ addresses: Addresses, _ redis: RedisServer
    ) async throws -> (status: Int32?, output: String) {
        let program = try LoneProgram(
            "reconcile", options, port: addresses.gateway, variables: ["REDIS_URL": redis.url])
        let status = await program.child.exitStatus()
        let output = program.output
        await program.close()
        return (status, output)
    }
}
