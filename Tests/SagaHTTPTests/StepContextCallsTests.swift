import CloudEvents
import Observability
import Saga
import SagaHTTP
import SagaRedis
import ServiceHTTP
import Testing
import TroupeRedis
import TroupeRedisTestKit

@Suite(.redisServer, .timeLimit(.minutes(1)))
struct StepContextCallsTests {
    @Test func callsOfAStepBelongToTheTraceOfItsEvent() async throws {
        let trace = "0af7651916cd43dd8448eb211c80319c"
        try await RedisServer.current.withKeyspace { redis, prefix in
            func context(_ traceparent: String?) -> StepContext {
                StepContext(
                    participant: "payment", sagaID: "1", step: "charge",
                    event: CloudEvent(
                        source: "/order", type: "OrderCreated", subject: "1",
                        traceparent: traceparent, data: Array("{}".utf8)),
                    attempt: 1,
                    keys: IdempotencyKeys(namespace: prefix, route: "order", form: .named),
                    records: RecordStore(service: "payment", redis: redis, namespace: prefix)
                        .reader)
            }
            func seen(_ context: StepContext) async -> String? {
                await context.calling { CallOrigin.current?.trace.traceID }
            }

            #expect(await seen(context("00-\(trace)-b7ad6b7169203331-01")) == trace)
            #expect(await seen(context(nil)) == nil)
            #expect(await seen(context("nonsense")) == nil)
        }
    }
}
