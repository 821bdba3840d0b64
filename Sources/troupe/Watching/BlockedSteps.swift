import Saga
import SagaRedis
import Timekeeping
import TroupeRedis

/// What keeps a saga from its end, as the ledgers of those who take part say.
struct BlockedSteps {
    var client: RedisClient
    var keys: SagaKeys

    /// A line for each step that is blocked; none if the saga goes on, or has ended, or if this
    /// user may not read ledgers.
    func lines(of sagaID: String, at services: [String]) async throws(RedisError) -> [String] {
        do {
            return try await read(sagaID, services)
        } catch {
            guard error.code == .server("NOPERM") else { throw error }
            return []
        }
    }

    private func read(
        _ sagaID: String, _ services: [String]
    ) async throws(RedisError) -> [String] {
        var lines: [String] = []
        for part in try await parts(of: sagaID, at: services) {
            let service = part.service
            let ledger = keys.ledger(named: part.name, by: part.naming, service: service)
            let held = try await fields(
                of: ledger, [LedgerEntry.blockedField, Debt.field, LifecycleState.field])
            lines += Self.waiting(held[2], service)
            let steps = (held[1] ?? "").split(separator: " ").map(String.init)
            let texts = try await fields(of: ledger, steps.map(Debt.field(of:)))
            let debts = zip(steps, texts).compactMap { step, text in
                text.flatMap { Debt(sagaID: part.name, step: step, text: $0) }
            }
            let next = debts.isEmpty ? nil : try await nextTry(of: part.name, at: service)
            lines += debts.map { Self.line($0, service, next) }
            lines += debts.filter { $0.question != nil }.map {
                "next: troupe saga resolve \(sagaID) --service \(service) --step \($0.step) "
                    + (part.route.map { "--route \($0) " } ?? "") + "--done | --undone"
            }
            if debts.isEmpty, let blocked = held[0].map({ LedgerEntry($0) }) {
                lines.append(
                    "\(service) is blocked at \(blocked.state) and waits for a person; "
                        + "its letter is in \(keys.dead(service))")
            }
        }
        return lines
    }

    /// For whom a saga waits that is being cancelled, as its owner's ledger says.
    static func waiting(_ life: String?, _ service: String) -> [String] {
        let state = life.flatMap { LifecycleState(text: LedgerEntry($0).state) }
        guard let state, state.status == .cancelling else { return [] }
        let open = state.awaited.subtracting(state.answered).sorted()
        guard !open.isEmpty else { return [] }
        return ["\(service) is cancelling it, and waits for \(open.joined(separator: ", "))"]
    }

    /// A service's part in sagas of an ID, on one of its routes.
    private struct Part {
        var service: String
        /// Nil if it has one route.
        var route: String?
        /// By which the service knows the saga.
        var name: String
        var naming: SagaNaming
    }

    /// What services know of sagas of that ID, on each of their routes.
    private func parts(
        of sagaID: String, at services: [String]
    ) async throws(RedisError) -> [Part] {
        var parts: [Part] = []
        for service in services {
            let declared = try await fields(of: keys.declared(service), ["route"])
            let naming = SagaNaming(Declaration.routes(in: declared[0] ?? ""))
            guard naming.routes.count > 1 else {
                parts.append(
                    Part(service: service, name: sagaID, naming: SagaNaming([])))
                continue
            }
            for route in naming.routes {
                parts.append(
                    Part(
                        service: service, route: route, name: naming.name(sagaID, on: route),
                        naming: naming))
            }
        }
        return parts
    }

    static func line(_ debt: Debt, _ service: String, _ next: Int64?) -> String {
        let since = Timestamp(milliseconds: debt.since)
        if let question = debt.question {
            return "\(service) waits at \(debt.step) since \(since) for a person: \(question)"
        }
        let often = debt.tries == 1 ? "once" : "\(debt.tries) times"
        let again = next.map { ", and is tried again at \(Timestamp(milliseconds: $0))" } ?? ""
        return "\(service) is blocked at \(debt.step) since \(since), was tried \(often)\(again): "
            + debt.error
    }

    private func nextTry(of sagaID: String, at service: String) async throws(RedisError) -> Int64? {
        let reply = try await client.send(
            RedisCommand(
                "ZSCORE", [.string(keys.open(service)), .string(sagaID)], isReadOnly: true))
        return reply.string.flatMap { Double($0) }.map { Int64($0) }
    }

    private func fields(
        of ledger: String, _ names: [String]
    ) async throws(RedisError) -> [String?] {
        if names.isEmpty { return [] }
        return try await client.send(
            RedisCommand(
                "HMGET", [.string(ledger)] + names.map { .string($0) }, isReadOnly: true)
        ).strings()
    }
}
