import Saga
import SagaRedis
import Testing
import TroupeRedis

@Suite(.timeLimit(.minutes(1)))
struct SagaKeysTests {
    @Test func theSlashOfARouteStandsAndThatOfAnIDDoesNot() {
        let naming = SagaNaming(["order", "renewal"])
        let ledgers = ["7", "renewal/7", "renewal/a/b", "a/b"].map {
            SagaKeys().ledger(named: $0, by: naming, service: "payment")
        }

        let wanted = ["7", "renewal/7", "renewal/a%2Fb", "a%2Fb"].map {
            "saga:{payment}:ledger:\($0)"
        }
        #expect(ledgers == wanted)
    }
}
