import Foundation
import Logging
import NIOCore
import NIOPosix
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import troupe

@Suite(.timeLimit(.minutes(3)))
struct RedisSourceTests {
    private let logger = Logger.silent
    private let folder = FileManager.default.temporaryDirectory
        .appending(path: "troupe-source-\(UUID().uuidString)").path

    @Test func silentAddressGetsAServerOfOurOwnThatKeepsItsData() async throws {
        let (address, port) = try freeAddress()
        var launched: OwnRedisServer?
        let source = try await RedisSource.open(
            address, dataFolder: folder, logger: logger, launched: { launched = $0 })
        guard case .own(let server, let lock) = source else {
            throw CommandFailure(.failure, "a server of our own expected")
        }
        #expect(launched === server, "told before it answers, for who is stopped meanwhile")
        let client = RedisClient(address.configuration, logger: logger)
        _ = try await client.send(.set("key", "value"))
        await server.stop()
        #expect(await PortProbe.isFree(host: "127.0.0.1", port: port))

        let again = try await OwnRedisServer.start(
            at: address, port: port, dataFolder: folder, logger: logger, launched: { _ in })

        let kept = RedisClient(address.configuration, logger: logger)
        #expect(try await kept.send(.get("key")).string == "value")
        guard case .answers(let facts) = await RedisProbe.ask(kept) else {
            throw CommandFailure(.failure, "an answer expected")
        }
        let findings = Diagnosis.findings(facts, at: address.configuration)
        #expect(findings.allSatisfy { $0.level == .fine })
        await client.shutdown()
        await kept.shutdown()
        await again.stop()
        withExtendedLifetime(lock) {}
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test func replicaIsRefused() async throws {
        let replica = try await RedisServer.launch(
            .init(arguments: ["--replicaof", "127.0.0.1", "1"]))
        let address = try RedisAddress(url: replica.url, source: "test")

        let failure = await #expect(throws: CommandFailure.self) {
            _ = try await RedisSource.open(address, dataFolder: folder, logger: logger)
        }

        #expect(failure?.message.contains("read-only replica") == true)
        #expect(failure?.code == .unreachable)
        await replica.stop()
    }

    @Test func serverThatDiesIsStartedAgain() async throws {
        let (address, port) = try freeAddress()
        let server = try await OwnRedisServer.start(
            at: address, port: port, dataFolder: folder, logger: logger, launched: { _ in })
        let first = server.processID
        let supervision = Task { await server.supervise() }

        kill(first, SIGKILL)

        try await eventually("another one runs") { server.processID != first }
        #expect(
            await PortProbe.becomesReady(host: "127.0.0.1", port: port, within: .seconds(30)))
        await server.stop()
        await supervision.value
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test func serverLeftByAKilledRunIsTakenOver() async throws {
        let (address, port) = try freeAddress()
        let left = try await OwnRedisServer.start(
            at: address, port: port, dataFolder: folder, logger: logger, launched: { _ in })

        let source = try await RedisSource.open(address, dataFolder: folder, logger: logger)

        guard case .own(let server, _) = source else {
            throw CommandFailure(.failure, "a server of our own expected")
        }
        #expect(server.processID != left.processID)
        await server.stop()
        await left.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test func redisThatAnswersIsUsed() async throws {
        let running = try await RedisServer.launch()
        let address = try RedisAddress(url: running.url, source: "--redis")

        let source = try await RedisSource.open(address, dataFolder: folder, logger: logger)

        guard case .found(let facts) = source else {
            throw CommandFailure(.failure, "the running server expected")
        }
        #expect(!facts.version.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: folder))
        await running.stop()
    }

    @Test func whatIsNoRedisIsNamed() async throws {
        let stranger = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(stranger.localAddress?.port)
        let address = try RedisAddress(url: "redis://127.0.0.1:\(port)", source: "--redis")

        let failure = await #expect(throws: CommandFailure.self) {
            try await RedisSource.open(address, dataFolder: folder, logger: logger)
        }

        #expect(failure?.message.contains("is not a Redis") == true)
        try await stranger.close()
    }

    private func freeAddress() throws -> (RedisAddress, Int) {
        let port = try FreePort.find()
        return (try RedisAddress(url: "redis://127.0.0.1:\(port)", source: "--redis"), port)
    }
}
