import Saga
import SagaRedis
import Testing
import TroupeRedis

@testable import troupe

/// What `doctor` says of sagas, and what is to be done about it.
@Suite(.timeLimit(.minutes(1)))
struct SagaDiagnosisTests {
    private static let born: Int64 = 1_700_000_000_000
    private static let names = SagaKeys(namespace: "shop")

    private func findings(
        _ change: (inout SagaFacts.Participant) -> Void
    ) -> [Diagnosis.Finding] {
        var participant = SagaFacts.Participant(name: "payment")
        participant.born = Self.born
        change(&participant)
        return findings(SagaFacts(participants: [participant]))
    }

    private func findings(_ facts: SagaFacts) -> [Diagnosis.Finding] {
        Diagnosis.findings(facts, at: RedisConfiguration(), Self.names)
    }

    @Test func whereAllIsWellThereIsOneLine() {
        let fine = findings {
            $0.firstEvent = Self.born - 1_000
            $0.books = SagaFacts.Books(times: [Self.born - 60_000, Self.born + 1])
        }

        #expect(fine.map(\.level) == [.fine])
        #expect(fine.map(\.subject) == ["sagas"])
    }

    @Test func lettersAreToldByTheirCodesTheMostFirst() {
        let found = findings {
            $0.letters.byReason = ["undecodable": 1, "blocked": 3, "contradiction": 1]
        }

        #expect(found.map(\.level) == [.advice])
        let what = "payment has put events aside: 3 blocked, 1 contradiction, 1 undecodable"
        #expect(found[0].what == what)
        #expect(found[0].remedy == "redis-cli XREVRANGE 'shop:saga:{payment}:dead' + - COUNT 10")
    }

    @Test func whatIsTooOldIsAProblemOfItsOwn() {
        let found = findings {
            $0.letters.byReason = ["too_old": 2, "undecodable": 1]
            $0.letters.isCut = true
        }

        #expect(found.map(\.level) == [.problem, .advice])
        #expect(found[0].what.hasPrefix("payment has put at least 2 events aside as too_old: "))
        #expect(found[0].remedy?.hasPrefix("troupe reconcile --dry-run") == true)
    }

    @Test func whatIsBlockedIsToldWithItsStatesAndTheAgeOfTheOldest() {
        let found = findings {
            $0.blocked.byState = [.owes: 2, .asks: 1, .letter: 0]
            $0.blocked.now = Self.born + 7_300_000
            $0.blocked.oldest = (saga: "0199", since: Self.born)
        }

        #expect(found.map(\.level) == [.problem])
        let what =
            "payment is blocked at 3 sagas, 2 tried again, 1 asking a person; "
            + "at the oldest for 2 h"
        #expect(found[0].what == what)
        #expect(found[0].remedy == "troupe saga show 0199")
    }

    @Test func aGroupThatNobodyReadsWithIsNamedWithWhatEndsIt() {
        let facts = SagaFacts(
            participants: [SagaFacts.Participant(name: "payment")],
            forgotten: [.init(stream: "saga:{order}:OrderCreated", group: "mail")])

        let found = findings(facts)

        #expect(found.map(\.level) == [.advice])
        let end = "redis-cli XGROUP DESTROY 'saga:{order}:OrderCreated' 'mail'"
        #expect(found[0].remedy?.hasSuffix(end) == true)
    }

    @Test func dataYoungerThanItsEventsWasLost() {
        let found = findings { $0.firstEvent = Self.born - 1_001 }

        #expect(found.map(\.level) == [.problem])
        #expect(found[0].subject == "loss")
        #expect(found[0].what.contains("2023-11-14T22:13:20.000Z"))
        #expect(found[0].remedy?.hasPrefix("troupe reconcile --dry-run") == true)
    }

    @Test func dataYoungerThanTheBooksWasLostAndNoDataAtAllToo() {
        let times = [Self.born - 60_002, Self.born - 60_001, Self.born]
        let lost = findings { $0.books = SagaFacts.Books(times: times) }
        let empty = findings {
            $0.born = nil
            $0.books = SagaFacts.Books(times: times)
        }

        #expect(lost.map(\.subject) == ["loss"])
        #expect(lost[0].what.contains("did 2 things for us before"))
        #expect(empty.map(\.subject) == ["loss"])
        #expect(empty[0].what.contains("did 3 things for us"))
        #expect(empty[0].what.contains("there is no data"))
    }

    @Test func whatStandsAndNoLedgerKnowsIsAProblem() {
        let found = findings {
            $0.books = SagaFacts.Books(times: [Self.born + 1], unknown: 1)
        }

        #expect(found.map(\.level) == [.problem])
        #expect(found[0].what.contains("1 thing of ours stands, and no ledger knows of it"))
        #expect(found[0].remedy?.hasPrefix("troupe reconcile --dry-run") == true)
    }

    @Test func whatCouldNotBeSeenIsSaidAndCompaniesThatAreNotThereAreNoFault() {
        var facts = SagaFacts(participants: [SagaFacts.Participant(name: "payment")])
        facts.fault = "NOPERM no"
        facts.silentCompanies = "http://127.0.0.1:1: refused"

        let found = findings(facts)

        #expect(found.map(\.level) == [.advice, .fine])
        #expect(found[0].remedy != nil)
    }

    @Test(arguments: [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3_600, "1 h"), (200_000, "2 d")])
    func agesAreToldInOneUnit(seconds: Int, text: String) {
        #expect(Diagnosis.age(.seconds(seconds)) == text)
    }
}
