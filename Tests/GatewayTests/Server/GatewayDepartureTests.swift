import Gateway
import Logging
import ServiceLifecycle
import Testing
import TroupeRedisTestKit

/// What clients see of a gateway that is asked to stop.
@Suite(.timeLimit(.minutes(3)))
struct GatewayDepartureTests {

    private static func withGateway(
        _ yaml: String, grace: Duration, _ body: (Int, ServiceGroup) async throws -> Void
    ) async throws {
        var configuration = try GatewayConfiguration(yaml: yaml, file: "test.yaml")
        configuration.server.port = 0
        configuration.server.eventLoops = 1
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let server = GatewayServer(
            configuration: configuration, cache: ResponseCache(configuration: configuration.cache),
            grace: grace, logger: .silent
        ) { port.yield($0) }
        let group = ServiceGroup(services: [server], logger: .silent)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            try await body(try #require(await iterator.next()), group)
            await group.triggerGracefulShutdown()
            // Nobody waits for what is left of a long grace.
            if grace > .seconds(1) { tasks.cancelAll() }
            while !tasks.isEmpty { _ = await tasks.nextResult() }
        }
    }

    @Test func forTheGraceRequestsAreTakenAndConnectionsEnd() async throws {
        let origin = try await GatewayServerTests.echo()
        try await Self.withGateway(GatewayServerTests.yaml(origin), grace: .seconds(100)) {
            port, group in
            let kept = try await RawConnection(port: port)
            let before = try await kept.get("/orders/1")
            #expect(before.fields["connection"] != "close")

            await group.triggerGracefulShutdown()

            // New connections, until one has heard of it.
            var answer = before
            while answer.fields["connection"] != "close" {
                answer = try await RawConnection(port: port).get("/orders/2")
                #expect(answer.status == 200)
            }
            let last = try await kept.get("/orders/1")
            #expect(last.status == 200 && last.fields["connection"] == "close")
            #expect(last.fields["cache-status"]?.contains("hit") == true)
        }
        await origin.stop()
    }

    @Test func withoutGraceTheStopIsAtOnce() async throws {
        let origin = try await GatewayServerTests.echo()
        let start = ContinuousClock.now
        try await Self.withGateway(GatewayServerTests.yaml(origin), grace: .zero) { port, group in
            let answer = try await RawConnection(port: port).get("/orders/1")
            #expect(answer.status == 200)
            await group.triggerGracefulShutdown()
        }
        #expect(ContinuousClock.now - start < .seconds(20))
        await origin.stop()
    }
}
