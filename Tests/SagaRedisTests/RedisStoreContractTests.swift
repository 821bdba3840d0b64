import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

@testable import Saga
@testable import SagaRedis

/// Redis keeps what any store has to.
@Suite(.redisServer, .serialized, .timeLimit(.minutes(1)))
struct RedisStoreContractTests {
    @Test(arguments: StoreContract.promises)
    func keepsEachPromise(promise: StoreContract) async throws {
        try await ShopRig.with { rig in
            try await promise.check(RedisSubject(rig: rig))
        }
    }
}

private struct RedisSubject: StoreContractSubject {
    let rig: ShopRig

    func ports(of plan: ParticipantPlan, consumer: String) throws -> SagaPorts {
        var configuration = rig.configuration
        configuration.consumerName = consumer
        configuration.readBytesMaximum = ContractParties.readBytes
        let redis = rig.redis
        // Whoever never asked for the epoch has none that could end.
        _ = redis.followEpoch()
        return SagaPorts(
            store: RedisSagaStore(
                redis: redis, service: plan.name, names: rig.keys,
                ledgerTimeToLive: .seconds(1000), naming: plan.naming),
            transport: RedisTransport(
                plan, emitted: [], redis: redis, names: rig.keys, configuration: configuration,
                logger: .silent),
            timers: RedisTimers(
                plan, redis: redis, names: rig.keys, letterTimeToLive: .seconds(1000)),
            debts: RedisDebts(
                redis: redis, service: plan.name, names: rig.keys, ledgerTimeToLive: .seconds(1000),
                naming: plan.naming))
    }

    func letTimePass() async {
        _ = try? await rig.redis.send(.ping)
    }

    /// A server that follows nobody for a moment has another identity, and the same data.
    func beginEpoch() async throws {
        await rig.redis.checkEpoch()
        _ = try await rig.redis.send(RedisCommand("DEBUG", ["CHANGE-REPL-ID"]))
        await rig.redis.checkEpoch()
    }
}
