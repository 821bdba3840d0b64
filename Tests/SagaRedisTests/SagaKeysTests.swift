import Saga
import SagaRedis
import Testing
import TroupeRedis

@Suite(.timeLimit(.minutes(1)))
struct SagaKeysTests {
    /// Whoever looks at them finds one that has another type.
    @Test func allThatAServiceKeepsUnderOneNameIsListedWithItsType() {
        let listed = SagaKeys(namespace: "eu").standing(of: "payment")

        let kinds = Dictionary(uniqueKeysWithValues: listed.map { ($0.name, $0.kind.rawValue) })
        let wanted = [
            "timers": "zset", "open": "zset", "blocked": "zset", "asks": "zset",
            "undone": "zset", "again": "stream", "dead": "stream", "cursor": "hash",
            "declared": "hash",
            "born": "string", "paused": "string",
        ].map { ("eu:saga:{payment}:\($0.key)", $0.value) }
        #expect(kinds == Dictionary(uniqueKeysWithValues: wanted))
    }

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
