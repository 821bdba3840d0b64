import Logging
import ServiceHTTP
import ServiceLifecycle

/// Runs a server on a port the system chose, for as long as `body` takes, and stops it gracefully.
func withRunningServer<Result: Sendable>(
    _ router: ServiceRouter, readiness: Readiness? = nil,
    configure: (inout ServiceServerConfiguration) -> Void = { _ in },
    _ body: (Int, ServiceGroup) async throws -> Result
) async throws -> Result {
    var configuration = ServiceServerConfiguration(port: 0)
    configure(&configuration)
    let server = ServiceServer(
        name: "test", configuration: configuration, router: router, readiness: readiness,
        logger: .quiet)
    let group = ServiceGroup(services: [server], logger: .quiet)
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        let result = try await body(try await server.boundPort.value, group)
        await group.triggerGracefulShutdown()
        guard configuration.grace > .seconds(1) else {
            try await tasks.waitForAll()
            return result
        }
        // Nobody waits for what is left of a long grace.
        tasks.cancelAll()
        _ = await tasks.nextResult()
        return result
    }
}
