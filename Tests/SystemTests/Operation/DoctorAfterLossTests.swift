import Foundation
import Saga
import Testing
import Timekeeping
import TroupeRedis
import TroupeRedisTestKit

@testable import SagaRedis
@testable import troupe

/// `troupe doctor` after Redis has lost what the companies remember.
@Suite(.timeLimit(.minutes(3)))
struct DoctorAfterLossTests {
    @Test func aLossIsAProblemAndWhatWasPutAsideForItToo() async throws {
        let redis = try await RedisServer.launch(.init(isDurable: true))
        let client = redis.client()
        let addresses = try await Ports.free()
        let sandbox = try Self.sandbox(addresses, redis)
        try await eventually("the company answers") {
            (try? await Web.get("\(addresses.url(of: .sandbox))/books"))?.status == 200
        }
        // The data of a system that has run for an hour.
        let names = SagaKeys()
        let services = ["order", "payment", "inventory", "shipping"]
        let hour = SystemTime.milliseconds() - 3_600_000
        for service in services {
            _ = try await client.send(.set(names.born(service), .string("\(hour) 1")))
        }

        let unknown = try await Self.doctor(addresses, redis)
        #expect(unknown.status == 1, "\(unknown.output)")
        #expect(unknown.output.contains("1 thing of ours stands"), "\(unknown.output)")
        _ = try await client.send(.hset("saga:{payment}:ledger:7", ["charge": "finished 1-0"]))

        let before = try await Self.doctor(addresses, redis)
        #expect(before.status == 0, "\(before.output)")
        #expect(before.output.contains("no event was put aside"), "\(before.output)")

        _ = try await client.send(RedisCommand("FLUSHALL", []))
        let empty = try await Self.doctor(addresses, redis)
        #expect(empty.status == 1, "\(empty.output)")
        #expect(empty.output.contains("there is no data"), "\(empty.output)")

        // What services note at their start, and what they do with an event from before it.
        for service in services { _ = try await BirthNote(client, names, service: service).read() }
        _ = try await client.send(
            RedisCommand(
                "XADD", [.string(names.dead("payment")), "*", "event", "x", "reason", "too_old"]))
        let after = try await Self.doctor(addresses, redis)

        #expect(after.status == 1, "\(after.output)")
        let lines = after.output.split(separator: "\n")
        let loss = lines.filter { $0.contains("problem  loss") }
        #expect(loss.count == 1, "\(after.output)")
        #expect(loss[0].contains("the company of payment did 1 thing for us before"))
        #expect(loss[0].contains("troupe reconcile --dry-run"))
        #expect(after.output.contains("1 event aside as too_old"), "\(after.output)")
        await sandbox.close()
        await client.shutdown()
        await redis.stop()
    }

    /// A company whose books hold a charge of ten minutes ago.
    private static func sandbox(
        _ addresses: Addresses, _ redis: RedisServer
    ) throws -> LoneProgram {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "troupe-books-\(UUID().uuidString)").path
        try DataFolder.create(folder)
        let time = Timestamp(milliseconds: SystemTime.milliseconds() - 600_000)
        let line = """
            {"number":1,"time":"\(time)","kind":"charge","key":"troupe:order:7:payment:charge",\
            "status":"succeeded","reference":"7","amount":1999,"currency":"EUR",\
            "token":"tok_visa"}

            """
        try Data(line.utf8).write(to: URL(filePath: "\(folder)/sandbox.jsonl"))
        return try LoneProgram(
            "serve sandbox", port: addresses.port(of: .sandbox),
            variables: ["REDIS_URL": redis.url, "TROUPE_DATA": folder])
    }

    private static func doctor(
        _ addresses: Addresses, _ redis: RedisServer
    ) async throws -> (status: Int32?, output: String) {
        let program = try LoneProgram(
            "doctor", port: addresses.gateway, variables: ["REDIS_URL": redis.url])
        let status = await program.child.exitStatus()
        let output = program.output
        await program.close()
        return (status, output)
    }
}
