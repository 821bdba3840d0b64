import NIOCore
import Testing
import TroupeRedisTestKit

@testable import TroupeRedis

@Suite(.timeLimit(.minutes(3)))
struct ServerIdentityTests {
    private func identity(_ server: RedisServer) async throws -> ServerIdentity {
        let client = server.client()
        let reply = try await client.send(ServerIdentity.question)
        await client.shutdown()
        return try #require(ServerIdentity(reply))
    }

    @Test func identityIsNewWithEveryStartAndEveryChangeOfRole() async throws {
        let server = try await RedisServer.launch()
        let other = try await RedisServer.launch()
        let first = try await identity(server)
        #expect(try await identity(server) == first)
        #expect(first.runID.count == 40)
        #expect(first.replicationID.count == 40)
        let client = server.client()
        _ = try await client.send(
            RedisCommand("REPLICAOF", ["127.0.0.1", .integer(other.port)]))
        _ = try await client.send(RedisCommand("REPLICAOF", ["NO", "ONE"]))
        await client.shutdown()
        let second = try await identity(server)
        #expect(second.runID == first.runID)
        #expect(second.replicationID != first.replicationID)
        await server.kill()
        try await server.start()

        #expect(try await identity(server).runID != first.runID)
        await server.stop()
        await other.stop()
    }

    @Test(arguments: [
        "", "run_id:abc", "master_replid:abc", "run_id:\r\nmaster_replid:abc",
        "xrun_id:a\r\nmaster_replid:b",
    ])
    func replyWithoutBothPartsIsNoIdentity(text: String) {
        #expect(ServerIdentity(RedisValue(.string(.init(string: text)))) == nil)
    }

    @Test func partsStandOnLinesOfTheirOwn() {
        let text = "# Server\r\nrun_id:abc\r\nx:1\r\n# Replication\r\nmaster_replid:def\r\n"
        let identity = ServerIdentity(RedisValue(.string(.init(string: text))))

        #expect(identity == ServerIdentity(runID: "abc", replicationID: "def"))
    }
}
