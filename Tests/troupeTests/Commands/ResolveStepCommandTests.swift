import ArgumentParser
import Saga
import Testing

@testable import troupe

/// What `saga resolve` says when there is nothing to resolve.
@Suite(.timeLimit(.minutes(1)))
struct ResolveStepCommandTests {
    @Test func whatWaitsForAPersonCanBeAnswered() {
        #expect(fault(["unknown e outcome_unknown x", nil]) == nil)
    }

    @Test func whatWaitsForNobodyIsRefusedWithWhereItStands() {
        #expect(fault([nil, nil])?.code == .notFound)
        #expect(fault(["done e", nil])?.message == "charge of payment is done already")
        let answered = fault(["unknown e", "undone r they say so"])
        #expect(answered?.message == "somebody has declared it undone before: they say so")
        let asksNobody = fault(["unknown e", nil], asksPeople: false)
        #expect(asksNobody?.message.contains("goes on by itself") == true)
    }

    @Test(arguments: [
        "1 --service payment --step charge --reason r",
        "1 --service payment --step charge --reason r --done --undone",
        "1 --service payment --step charge --done",
        "1 --service payment --step charge --done --reason=",
    ]) func anAnswerIsOneOfTwoAndHasAReason(_ words: String) {
        #expect(throws: (any Error).self) {
            _ = try ResolveStepCommand.parse(words.split(separator: " ").map(String.init))
        }
    }

    private func fault(_ held: [String?], asksPeople: Bool = true) -> CommandFailure? {
        ResolveStepCommand.fault(held, asksPeople: asksPeople, "charge", of: "payment")
    }
}
