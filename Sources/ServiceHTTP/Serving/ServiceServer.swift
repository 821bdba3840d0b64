import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Serves a service's routes over HTTP/1.1 until it is told to stop.
///
/// A graceful stop ends readiness at once and goes on serving for the grace, each answer being
/// the last of its connection. Then it takes no new connections, lets requests under way finish
/// within the drain limit, and cancels the rest. `run()` throws a ``ServiceHTTPError`` if it
/// cannot listen.
public struct ServiceServer: Service {
    /// The port, once the server listens.
    public let boundPort = BoundPort()

    private let name: String
    private let configuration: ServiceServerConfiguration
    private let responder: ServiceResponder
    private let readiness: Readiness?
    private let logger: Logger
    private let onRunning: @Sendable (Int) async -> Void

    /// A server for those routes.
    ///
    /// - Parameters:
    ///   - name: What the server is called in its log.
    ///   - configuration: Where it listens and its limits.
    ///   - router: Its routes; changes after this call have no effect.
    ///   - readiness: Is told as soon as the server begins to stop.
    ///   - logger: For the server itself. Requests use the router's.
    ///   - onRunning: Called once with the port as soon as the server listens.
    public init(
        name: String, configuration: ServiceServerConfiguration, router: ServiceRouter,
        readiness: Readiness? = nil, logger: Logger,
        onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.name = name
        self.configuration = configuration
        self.responder = router.buildResponder(limits: configuration)
        self.readiness = readiness
        self.logger = logger
        self.onRunning = onRunning
    }

    /// Listens and serves until the graceful stop is over.
    public func run() async throws {
        try configuration.validate()
        let silence = FrameworkLogHandler.Silence()
        let pendingStop = PendingStop()
        let framework = framework(silence, pendingStop)
        let (readiness, configuration) = (readiness, configuration)
        try await withTaskCancellationHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await serve(framework) }
                group.addTask { await responder.failures.run() }
                group.addTask {
                    try await gracefulShutdown()
                    readiness?.beginDraining()
                    pendingStop.begin()
                    try await Task.sleep(for: configuration.grace)
                    await framework.triggerGracefulShutdown()
                    try await Task.sleep(for: configuration.drainLimit)
                }
                defer {
                    silence.begin()
                    group.cancelAll()
                }
                try await group.next()
            }
        } onCancel: {
            silence.begin()
        }
        logger.debug("server stopped", metadata: ["server": "\(name)"])
    }

    /// Serves beside the service's other parts until the graceful stop, or until one of all fails.
    ///
    /// - Parameter clients: what the parts call others with; they are closed at the end.
    public func run(
        with parts: [any Service], calling clients: [JSONClient] = []
    ) async throws {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await run() }
                for part in parts { group.addTask { try await part.run() } }
                for try await _ in group {}
            }
        } catch {
            for client in clients { await client.shutdown() }
            throw error
        }
        for client in clients { await client.shutdown() }
    }

    /// The framework in a group of its own.
    ///
    /// It closes its port as soon as it hears of a graceful stop, so it hears of that from us.
    private func framework(
        _ silence: FrameworkLogHandler.Silence, _ pendingStop: PendingStop
    ) -> ServiceGroup {
        let logger = quietLogger(silence)
        return ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: application(logger, pendingStop))], logger: logger))
    }

    private func serve(_ framework: ServiceGroup) async throws {
        // A child task would inherit the stop that is meant for us.
        let running = Task.detached { try await framework.run() }
        do {
            try await withTaskCancellationHandler {
                try await running.value
            } onCancel: {
                running.cancel()
            }
        } catch let error as IOError {
            throw ServiceHTTPError(
                .cannotListen,
                "\(name) cannot listen on \(configuration.authority(configuration.port)): "
                    + error.listeningAdvice, cause: error)
        }
    }

    /// The framework announces itself at info; this server does so in its own words.
    private func quietLogger(_ silence: FrameworkLogHandler.Silence) -> Logger {
        var quiet = logger
        quiet.handler = FrameworkLogHandler(logger.handler, silence: silence)
        quiet.logLevel = max(logger.logLevel, .warning)
        return quiet
    }

    private func application(
        _ quiet: Logger, _ pendingStop: PendingStop
    ) -> Application<ServiceResponder> {
        let limits = configuration
        return Application(
            responder: responder,
            server: .http1(
                configuration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: [
                        ConnectionGuard(limits: limits, pendingStop: pendingStop)
                    ],
                    idleTimeout: TimeAmount(limits.idleTimeout),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: ConnectionGuard.headSizeMaximum,
                        maxHeaderListSize: ConnectionGuard.headSizeMaximum,
                        maxHeaderFieldCount: 200))),
            configuration: ApplicationConfiguration(
                address: .hostname(limits.host, port: limits.port), backlog: 1024,
                availableConnectionsDelegate: .maximum(limits.connectionsMaximum, logger: quiet)),
            onServerRunning: { channel in await announce(channel.localAddress?.port) },
            logger: quiet)
    }

    private func announce(_ port: Int?) async {
        let port = port ?? configuration.port
        logger.info(
            "listening",
            metadata: ["server": "\(name)", "address": "\(configuration.authority(port))"])
        boundPort.resolve(port)
        await onRunning(port)
    }
}

extension IOError {
    /// Why nothing can listen there, and what to do about it.
    fileprivate var listeningAdvice: String {
        switch errnoCode {
        case EADDRINUSE: "something else listens there; stop it or choose another port"
        case EACCES: "this user may not; choose a port above 1023"
        case EADDRNOTAVAIL: "this machine has no such address; choose another host"
        default: "\(self)"
        }
    }
}
