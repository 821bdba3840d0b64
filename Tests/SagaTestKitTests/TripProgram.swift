import Foundation
import Logging
import Saga
import SagaRedis
import ServiceLifecycle
import TroupeRedis
import UnixSignals

/// Runs the services of the trips, or books one.
///
///     Trips                all services, in one process, until ctrl-C or SIGTERM
///     Trips hotels cars    these alone
///     Trips book Rome      begins a trip and waits for its end
///
/// The Redis is the one at REDIS_URL, or 127.0.0.1:6379.
enum TripProgram {
    private static let all = [TripSaga.trips, TripSaga.hotels, TripSaga.flights, TripSaga.cars]

    static func main() async {
        let url = ProcessInfo.processInfo.environment["REDIS_URL"] ?? "redis://127.0.0.1:6379"
        do {
            try await run(Array(CommandLine.arguments.dropFirst()), redis: url)
        } catch {
            FileHandle.standardError.write(Data("Trips: \(error)\n".utf8))
            exit(1)
        }
    }

    static func run(_ words: [String], redis url: String) async throws {
        let logger = Logger(label: "trips")
        let redis = RedisClient(try RedisConfiguration(url: url), logger: logger)
        if words.first == "book" {
            let answer = try await book(words.dropFirst().joined(separator: " "), redis, logger)
            await redis.shutdown()
            print(answer)
        } else {
            try await serve(words, redis, logger)
        }
    }

    /// Runs services until they are asked to stop; what is under way is finished first.
    private static func serve(
        _ names: [String], _ redis: RedisClient, _ logger: Logger
    ) async throws {
        let services = all.filter { names.isEmpty || names.contains($0.name) }
        logger.info("running", metadata: ["services": "\(services.map(\.name))"])
        let runtimes = try services.map { try SagaRuntime($0, redis: redis, logger: logger) }
        let group = ServiceGroup(
            services: [redis] + runtimes, gracefulShutdownSignals: [.sigint, .sigterm],
            logger: logger)
        try await group.run()
    }

    /// Begins a trip, as a service would at a request, and returns how it ended.
    private static func book(
        _ city: String, _ redis: RedisClient, _ logger: Logger
    ) async throws -> String {
        let trips = try SagaRuntime(TripSaga.trips, redis: redis, logger: logger)
        let trip = UUID().uuidString
        _ = try await trips.begin(trip, TripRequested(city: city))
        let status = try await trips.outcome(of: trip, within: .seconds(35))
        return "\(trip) \(status?.rawValue ?? "unknown")"
    }
}
