import OrderContracts
import Saga
import Testing

@Suite(.timeLimit(.minutes(1)))
struct OrderSystemConfigurationTests {
    /// Who asks for nothing has handlers that keep the connection from nothing.
    @Test func theOrderSystemAsksForTheConnectionsLoop() {
        guard case .onConnection = SagaRuntimeConfiguration.orderSystem.handlerExecutor else {
            Issue.record("its handlers run elsewhere")
            return
        }
        guard case .concurrent = SagaRuntimeConfiguration().handlerExecutor else {
            Issue.record("handlers run on the connection's loop unasked")
            return
        }
    }
}
