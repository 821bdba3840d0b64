package import Saga
import Testing

/// A store that is asked for its promises.
package protocol StoreContractSubject: Sendable {
    /// The ports of one process of a participant, all of them on one store, empty at first.
    ///
    /// - Parameter consumer: the process's name, under which it finds again what it has taken.
    func ports(of plan: ParticipantPlan, consumer: String) throws -> SagaPorts

    /// Lets some time pass, at least a millisecond.
    func letTimePass() async

    /// Has the store come back as if it held other data.
    func beginEpoch() async throws
}

/// One sentence of what `SagaStore`, `EventTransport` and `SagaTimers` promise, with its proof.
///
/// Any store has to keep all of them: `StoreContract.promises` are the arguments of one test.
package struct StoreContract: Sendable, CustomStringConvertible {
    /// The promise, in words.
    package let description: String
    package let check: @Sendable (any StoreContractSubject) async throws -> Void

    init(
        _ description: String,
        _ check: @escaping @Sendable (ContractParties) async throws -> Void
    ) {
        self.description = description
        self.check = { try await check(try ContractParties($0)) }
    }

    /// All promises.
    package static let promises =
        transitions + ends + letters + debts + delivery + timers + birth
}

/// The two participants of the contract's saga on the store that is asked.
package struct ContractParties: Sendable {
    /// How much one read may bring here.
    package static let readBytes = 500_000

    let subject: any StoreContractSubject
    let asker: SagaPorts
    let lender: SagaPorts

    init(_ subject: any StoreContractSubject) throws {
        self.subject = subject
        asker = try subject.ports(of: ParticipantPlan(.asker), consumer: "one")
        lender = try subject.ports(of: ParticipantPlan(.lender), consumer: "one")
    }

    /// A second process of the lender.
    func otherLender() throws -> SagaPorts {
        try subject.ports(of: ParticipantPlan(.lender), consumer: "two")
    }

    /// Position of the stream of `LoanAsked` among those that the lender consumes.
    var asked: Int {
        lender.transport.streams.firstIndex { $0.type == LoanAsked.type } ?? 0
    }

    /// Tries again, and lets time pass between, until something is there.
    func eventually<Value>(
        _ what: String, _ body: () async throws -> Value?
    ) async throws -> Value {
        for _ in 0..<10_000 {
            if let value = try await body() { return value }
            await subject.letTimePass()
        }
        throw ContractBroken(what)
    }
}

/// What was promised never came.
struct ContractBroken: Error, CustomStringConvertible {
    let description: String

    init(_ what: String) {
        description = "waited in vain: \(what)"
    }
}
