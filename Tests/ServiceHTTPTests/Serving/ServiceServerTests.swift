import JSONText
import Logging
import Observability
import ServiceHTTP
import ServiceLifecycle
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ServiceServerTests {
    private func request(_ path: String) -> String {
        "GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    }

    @Test func aRequestUnderWayIsFinishedBeforeTheStop() async throws {
        let (entered, enter) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        let router = ServiceRouter(service: "slow", logger: .quiet)
        router.get("/slow") { _, _ in
            enter.finish()
            for await _ in released {}
            return .json { $0.set("done", true) }
        }
        let readiness = Readiness()

        let answer = try await withRunningServer(router, readiness: readiness) { port, group in
            async let answer = WireExchange.exchange(port: port, request("/slow"))
            for await _ in entered {}
            await group.triggerGracefulShutdown()
            while await readiness.findings().isEmpty, !Task.isCancelled { await Task.yield() }
            release.finish()
            return try await answer
        }

        #expect(answer.hasPrefix("HTTP/1.1 200"))
        #expect(answer.hasSuffix(#"{"done":true}"#))
    }

    @Test func aRequestThatNeverEndsDoesNotHoldTheStopForever() async throws {
        let (entered, enter) = AsyncStream.makeStream(of: Void.self)
        let router = ServiceRouter(service: "stuck", logger: .quiet)
        router.get("/stuck") { _, _ in
            enter.finish()
            try await Task.sleep(for: .seconds(3_600))
            return .json { _ in }
        }

        let start = ContinuousClock.now
        _ = try await withRunningServer(
            router, configure: { $0.drainLimit = .milliseconds(100) }
        ) { port, group in
            async let answer = WireExchange.exchange(port: port, request("/stuck"))
            for await _ in entered {}
            await group.triggerGracefulShutdown()
            return try await answer
        }

        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test func aPortInUseIsSaidPlainly() async throws {
        let router = ServiceRouter(service: "first", logger: .quiet)
        try await withRunningServer(router) { port, _ in
            let second = ServiceServer(
                name: "second", configuration: ServiceServerConfiguration(port: port),
                router: router, logger: .quiet)
            let error = await #expect(throws: ServiceHTTPError.self) { try await second.run() }
            #expect(error?.code == .cannotListen)
            let place = "second cannot listen on 127.0.0.1:\(port)"
            #expect(
                error?.description
                    == place + ": something else listens there; stop it or choose another port")
        }
    }

    @Test func cancelledServerHasNoErrorsToReport() async throws {
        let lines = Mutex<[String]>([])
        let sink = LogSink { line in
            lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
        }
        let logger = Logger(label: "cancelled") { LineLogHandler(label: $0, sink: sink) }
        let router = ServiceRouter(service: "cancelled", logger: logger)
        let server = ServiceServer(
            name: "cancelled", configuration: ServiceServerConfiguration(port: 0), router: router,
            logger: logger)
        let running = Task { try await server.run() }
        let port = try await server.boundPort.value
        async let answer = WireExchange.exchange(port: port, request("/nothing"))
        #expect(try await answer.hasPrefix("HTTP/1.1 404"))

        running.cancel()
        _ = await running.result

        let written = lines.withLock { $0 }
        #expect(written.contains { $0.contains("listening") })
        #expect(!written.contains { $0.contains("level=error") }, "\(written)")
    }

    @Test func connectionsOverTheLimitWaitTheirTurn() async throws {
        let router = ServiceRouter(service: "narrow", logger: .quiet)
        router.get("/ok") { _, _ in .json { $0.set("ok", true) } }
        let answers = try await withRunningServer(
            router, configure: { $0.connectionsMaximum = 2 }
        ) { port, _ in
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await WireExchange.exchange(port: port, request("/ok")) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(answers.filter { $0.hasPrefix("HTTP/1.1 200") }.count == 20)
    }

    @Test func limitsThatMakeNoSenseAreRefused() async {
        var configuration = ServiceServerConfiguration(port: 70_000)
        #expect(await code(configuration) == .invalidConfiguration)
        configuration = ServiceServerConfiguration(port: 0)
        configuration.bodySizeMaximum = 0
        #expect(await code(configuration) == .invalidConfiguration)
        configuration = ServiceServerConfiguration(port: 0)
        configuration.idleTimeout = .zero
        #expect(await code(configuration) == .invalidConfiguration)
    }

    private func code(_ configuration: ServiceServerConfiguration) async -> ServiceHTTPError.Code? {
        let server = ServiceServer(
            name: "wrong", configuration: configuration,
            router: ServiceRouter(service: "wrong", logger: .quiet), logger: .quiet)
        return await #expect(throws: ServiceHTTPError.self) { try await server.run() }?.code
    }

    @Test func waitingForThePortCanBeCancelled() async {
        let server = ServiceServer(
            name: "never", configuration: ServiceServerConfiguration(port: 0),
            router: ServiceRouter(service: "never", logger: .quiet), logger: .quiet)
        let waiting = Task { try await server.boundPort.value }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }
}
