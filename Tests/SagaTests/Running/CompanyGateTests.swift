import Logging
import SagaTestKit
import Testing

@testable import Saga

/// Calls that belong to no entry, as looks at books, keep to what their company takes.
@Suite(.timeLimit(.minutes(1)))
struct CompanyGateTests {
    private struct Accident: Error {}

    private let clock = VirtualClock()

    @Test func accidentsOfLooksCountAndACompanyThatIsDownIsNotLookedAt() async throws {
        let gate = gate(OutsideCompany("bank", opensAfter: 2))
        for _ in 0..<2 {
            await #expect(throws: Accident.self) { try await gate.pass { throw Accident() } }
        }

        await #expect(throws: CompanyIsDown.self) {
            try await gate.pass { Issue.record("it is called") }
        }
        #expect(gate.refusal() == clock.now + .seconds(1))
    }

    @Test func whatWasNotSentAndWhatIsAnsweredAreNoAccidents() async throws {
        let gate = gate(OutsideCompany("bank", opensAfter: 1))

        for error in [
            NothingSent("no connection") as any Error, BusinessFailure("declined"),
            SagaError(.unavailable, "Redis is away", retry: .later),
        ] {
            await #expect(throws: (any Error).self) { try await gate.pass { throw error } }
        }

        #expect(gate.refusal() == nil)
    }

    @Test func aLookThatIsCancelledWhileItWaitsGivesItsMomentBack() async throws {
        let gate = gate(OutsideCompany("bank", callsPerSecond: 1))
        try await gate.pass {}
        let waiting = Task { try await gate.pass { Issue.record("it is called") } }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }

        #expect(gate.reserve() == clock.now + .seconds(1))
    }

    @Test func stepsThatNameOneCompanyShareItsGate() throws {
        let bank = OutsideCompany("bank")
        func step(_ name: String, _ company: OutsideCompany?) -> Step {
            Step(
                name, on: OrderCreated.self, emits: PaymentProcessed.self, calls: company,
                orElse: { failure, _ in
                    Transition(PaymentFailed(reason: failure.reason, detail: failure.detail))
                },
                perform: { _, _ in Transition(PaymentProcessed()) })
        }
        let gates = CompanyGate.gates(
            of: [step("a", bank), step("b", nil), step("c", bank)], clock: clock,
            metrics: SagaMetrics(service: "payment"), logger: Self.silent)

        #expect(gates.keys.sorted() == ["bank"])
    }

    private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func gate(_ company: OutsideCompany) -> CompanyGate {
        CompanyGate(
            company, clock: clock, metrics: SagaMetrics(service: "payment"), logger: Self.silent)
    }
}
