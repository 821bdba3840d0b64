public import Logging
public import ServiceHTTP
public import ServiceLifecycle

/// Plays the payment company and the carrier over HTTP, like such companies' test systems.
///
/// Every `POST` needs an `Idempotency-Key`, and what it answered is on the disk before it answers.
/// What happens is decided by documented inputs:
///
///     POST /charges        {amount, currency, token, reference}
///          tok_visa                 201 succeeded
///          tok_declined             402 card_declined
///          tok_insufficient_funds   402 insufficient_funds
///          tok_timeout              charges, and never answers
///          tok_flaky                503 twice per key, then 201
///     POST /refunds        {chargeKey, reason}     201 refunded | nothing_to_refund
///     POST /shipments      {reference, productId, quantity, address}   201 arranged
///          country AQ               422 country_not_served
///     POST /cancellations  {shipmentKey}           201 cancelled | nothing_to_cancel
///     POST /dispatches     {shipmentKey}           201 dispatched
///     GET  /<list>?reference=&limit=&after=        GET /<list>/{key}        GET /books
public struct SandboxServer: Service {
    /// The port, once the server listens.
    public var boundPort: BoundPort { server.boundPort }

    private let sandbox: Sandbox
    private let isSeeded: Bool
    private let server: ServiceServer

    /// Reads the file and prepares the routes; nothing is served before `run()`.
    ///
    /// Blocks while it reads. Throws if the file is unusable, in use or corrupt.
    public init(
        configuration: SandboxServerConfiguration, readiness: Readiness? = nil, logger: Logger
    ) throws(SandboxError) {
        let sandbox = try Sandbox(path: configuration.path, logger: logger)
        self.sandbox = sandbox
        self.isSeeded = configuration.isSeeded
        self.server = ServiceServer(
            name: "sandbox", configuration: configuration.http,
            router: Self.router(sandbox, silence: configuration.silence, logger: logger),
            readiness: readiness, logger: logger)
        readiness?.add(
            Readiness.Check("sandbox") {
                guard sandbox.isHealthy else {
                    throw SandboxError(
                        .writeFailed,
                        "its file could not be written; once the disk is well, start it again")
                }
            })
    }

    /// Serves until the graceful stop.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            if isSeeded { group.addTask { try await SandboxSeed.plant(in: sandbox) } }
            try await group.waitForAll()
        }
    }
}
