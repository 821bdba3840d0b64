import Logging
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

/// Two systems of one name on one Redis would settle each other's orders with the wrong companies.
@Suite(.timeLimit(.minutes(5)))
struct SystemClaimTests {
    @Test func aSecondSystemOfTheSameNameIsRefusedAndOneOfAnotherIsNot() async throws {
        let redis = try await RedisServer.launch()
        let variables = ["REDIS_URL": redis.url]
        let first = try await Ports.free()
        let one = try LoneProgram("up", port: first.gateway, variables: variables)
        try await eventually("it is up") {
            await one.readiness(of: first.gateway)?.status == 200
        }

        let second = try await Ports.free()
        let other = try LoneProgram("up", port: second.gateway, variables: variables)
        #expect(await other.child.exitStatus() == 1, "\(other.output)")
        #expect(other.output.contains("another troupe up runs on this Redis"), "\(other.output)")
        #expect(other.output.contains("--namespace"), "\(other.output)")
        await other.close()

        let named = try LoneProgram(
            "up", ["--namespace", "b"], port: second.gateway, variables: variables)
        try await eventually("it is up beside it") {
            await named.readiness(of: second.gateway)?.status == 200
        }
        await named.close()
        await one.close()
        await redis.stop()
    }

    /// A start that fails in the folder of a system that runs leaves that one's claim alone.
    @Test func onlyItsOwnProcessGivesAClaimBack() async throws {
        let redis = try await RedisServer.launch()
        let address = try RedisAddress(url: redis.url, source: "test")
        func claim(_ folder: String) async throws -> SystemClaim {
            try await SystemClaim(
                on: address, namespace: nil, dataFolder: folder, logger: .silent)
        }
        let first = try await claim("/a")
        let second = try await claim("/a")

        await second.giveBack()
        await #expect(throws: CommandFailure.self) { _ = try await claim("/b") }

        await first.giveBack()
        let other = try await claim("/b")
        await other.giveBack()
        await redis.stop()
    }

    @Test func aClaimIsGivenBackAndItsHolderMayTakeItAgain() async throws {
        let redis = try await RedisServer.launch()
        let address = try RedisAddress(url: redis.url, source: "test")
        let logger = Logger.silent
        func claim(_ folder: String) async throws -> SystemClaim {
            try await SystemClaim(
                on: address, namespace: nil, dataFolder: folder, logger: logger)
        }
        let first = try await claim("/a")
        let again = try await claim("/a")
        await #expect(throws: CommandFailure.self) { _ = try await claim("/b") }

        for one in [first, again] {
            let running = Task { try await one.run() }
            running.cancel()
            try await running.value
        }
        let other = try await claim("/b")
        let running = Task { try await other.run() }
        running.cancel()
        try await running.value
        await redis.stop()
    }
}
