import Saga
import Timekeeping
import TroupeRedis

/// What one participant owes, in Redis.
struct RedisDebts: SagaDebts {
    private static let hurryMaximum = 1000

    let redis: RedisClient
    let service: String
    let names: SagaKeys
    let ledgerTimeToLive: Duration
    /// Whether a ledger may go only once the end of its saga was heard.
    var hearsEnds = false
    let naming: SagaNaming

    func park(
        _ debt: Debt, _ trace: DeadLetter.Trace, for pause: Duration, in epoch: StoreEpoch?
    ) async throws(SagaError) -> Bool {
        let answer = try await run(
            DebtScripts.park, keys(debt.sagaID),
            [
                .integer(pause.milliseconds), .string(debt.sagaID), .string(debt.step),
                .integer(debt.tries), .string(debt.textAfterSince),
                .string(trace.blocked.map { "\($0.step) \($0.eventID)" } ?? debt.step),
            ] + LedgerMarks.arguments(trace), in: epoch.map(RedisEpoch.init))
        return answer.integer == 1
    }

    func takeDue(_ count: Int) async throws(SagaError) -> DueDebts {
        let answer = try await run(
            DebtScripts.take,
            [names.open(service), names.blocked(service), names.asks(service)],
            [.integer(count), .integer(Debt.claim.milliseconds)])
        var due = DueDebts(answer)
        var fault: SagaError?
        for value in (answer.array.map(Array.init) ?? []).dropFirst(7) {
            guard let sagaID = value.string else { continue }
            do throws(SagaError) {
                due.debts += try await debts(of: sagaID)
            } catch {
                // A ledger of another type holds nobody up but its own saga.
                guard error.code == .unexpectedState else { throw error }
                fault = error
            }
        }
        if due.debts.isEmpty, let fault { throw fault }
        guard count == 0 else { return due }
        try await lookAtOne(of: names.blocked(service), due.blocked)
        try await lookAtOne(of: names.asks(service), due.asking)
        return due
    }

    /// Looks at any of those in a list, so that one whom a person has helped, or a replica of an
    /// earlier version, is counted no more: it may be nobody's turn.
    private func lookAtOne(of list: String, _ count: Int) async throws(SagaError) {
        guard count > 0 else { return }
        let position = Int.random(in: 0..<count)
        let reply = try await redis.read(
            RedisCommand(
                "ZREVRANGE",
                [.string(list), .integer(position), .integer(position)],
                isReadOnly: true))
        guard let sagaID = reply[0]?.string else { return }
        do throws(SagaError) {
            _ = try await debts(of: sagaID)
        } catch {
            guard error.code == .unexpectedState else { throw error }
        }
    }

    func debts(of sagaID: String) async throws(SagaError) -> [Debt] {
        let answer = try await run(DebtScripts.read, keys(sagaID), [.string(sagaID)])
        let words = answer.array?.map { $0.string ?? "" } ?? []
        return stride(from: 0, to: words.count - 1, by: 2).compactMap {
            Debt(sagaID: sagaID, step: words[$0], text: words[$0 + 1])
        }
    }

    func settle(_ debt: Debt, isDone: Bool) async throws(SagaError) {
        _ = try await run(
            DebtScripts.settle, keys(debt.sagaID),
            [
                .string(debt.sagaID), .string(debt.step), .integer(isDone ? 1 : 0),
                .integer(ledgerTimeToLive.wholeSeconds), .integer(hearsEnds ? 1 : 0),
            ])
    }

    func noteProgress(of sagaID: String) async throws(SagaError) {
        _ = try await run(DebtScripts.progress, keys(sagaID), [.string(sagaID)])
    }

    /// By the name under which the participant knows it, as it declares its routes.
    func isBlocked(
        _ sagaID: String, on route: String, at step: String, of participant: String
    ) async throws(SagaError) -> Bool {
        let declared = try await fields(of: names.declared(participant), "route")
        let naming = SagaNaming(Declaration.routes(in: declared[0] ?? ""))
        let ledger = names.ledger(
            named: naming.name(sagaID, on: route), by: naming, service: participant)
        let held = try await fields(of: ledger, LedgerEntry.blockedField, Debt.field)
        return Debt.keeps(step, blocked: held[0], owes: held[1])
    }

    /// What fields of somebody's hash hold, if this user may know it.
    private func fields(
        of key: String, _ names: String...
    ) async throws(SagaError) -> [String?] {
        let reply = try await redis.readIfAllowed { () throws(SagaError) in
            try await redis.read(
                RedisCommand(
                    "HMGET", [.string(key)] + names.map { .string($0) }, isReadOnly: true))
        }
        return names.indices.map { reply[$0]?.string }
    }

    func hurry() async throws(SagaError) {
        var moved = Self.hurryMaximum
        while moved == Self.hurryMaximum {
            let answer = try await run(
                DebtScripts.hurry, [names.open(service)], [.integer(Self.hurryMaximum)])
            moved = answer.integer ?? 0
        }
    }

    func hurry(of sagaID: String) async throws(SagaError) {
        _ = try await run(DebtScripts.hurryOne, [names.open(service)], [.string(sagaID)])
    }

    private func keys(_ sagaID: String) -> [String] {
        [
            names.ledger(named: sagaID, by: naming, service: service), names.open(service),
            names.blocked(service), names.asks(service),
        ]
    }

    private func run(
        _ script: RedisScript, _ keys: [String], _ arguments: [RedisArgument],
        in epoch: RedisEpoch? = nil
    ) async throws(SagaError) -> RedisValue {
        do {
            return try await redis.evaluate(script, keys: keys, arguments: arguments, in: epoch)
        } catch {
            throw SagaError(error)
        }
    }
}

extension DueDebts {
    /// What `DebtScripts.take` says of all that is owed.
    init(_ reply: RedisValue) {
        self.init()
        now = Int64(reply[0]?.integer ?? 0)
        rest = reply[1]?.integer.flatMap { $0 < 0 ? nil : .milliseconds($0) }
        blocked = reply[2]?.integer ?? 0
        oldest = reply[3]?.integer.flatMap { $0 > 0 ? Int64($0) : nil }
        owing = reply[5]?.integer ?? 0
        asking = reply[6]?.integer ?? 0
    }
}
