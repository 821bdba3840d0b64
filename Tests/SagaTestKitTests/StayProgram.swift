import Gateway
import GatewayRedis
import Logging
import Saga
import SagaHTTP
import SagaRedis
import ServiceHTTP
import TroupeRedis

enum StayProgram {
    static func run(redis url: String, gateway yaml: String, admin port: Int) async throws {
        let logger = Logger(label: "stays")
        // First, so that whatever comes after it is counted.
        let admin = AdminServer.bootstrap(ServiceServerConfiguration(port: port), logger: logger)
        let redis = RedisClient(try RedisConfiguration(url: url), logger: logger)
        let sagas = try [StaySaga.desk, StaySaga.hotel].map {
            try SagaRuntime($0, redis: redis, logger: logger)
        }
        let gateway = CachingGateway(
            try GatewayConfiguration(yaml: yaml, file: "gateway.yaml"), redis: redis,
            grace: .seconds(5), logger: logger)
        for saga in sagas { admin.readiness.watch(saga) }
        admin.readiness.add(Readiness.Check("cache", impairment: { gateway.feed.status.reason }))
        let stop = OrderlyStop(grace: .seconds(5), logger: logger)
        stop.announce(to: admin.readiness.beginDraining)
        stop.announce(to: gateway.server.announceStop)
        try await stop.run([admin, redis] + sagas + gateway.services)
    }
}
