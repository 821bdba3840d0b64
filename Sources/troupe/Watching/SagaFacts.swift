import EventStreams
import OrderContracts
import PaymentService
import Saga
import SagaRedis
import ServiceHTTP
import ShippingService
import Timekeeping
import TroupeRedis

/// What a Redis holds of sagas, as far as `doctor` needs it.
struct SagaFacts: Sendable {
    /// What there is of one who takes part in sagas.
    struct Participant: Sendable {
        var name: String
        var letters = StoreLook.Letters()
        var blocked = StoreLook.Blocked()
        /// When its data came to be, in milliseconds since 1970; nil if there is none.
        var born: Int64?
        /// When the oldest of its own events came.
        var firstEvent: Int64?
        /// What a company's books hold for it; nil if it has no company, or that does not answer.
        var books: Books?
    }

    /// When each thing was done that stands in a company's books for us, in milliseconds since
    /// 1970, the oldest first.
    struct Books: Sendable {
        var times: [Int64]
        /// How much of it stands although no ledger knows it.
        var unknown = 0
        /// Whether there is more than was looked at.
        var isCut = false
    }

    var participants: [Participant] = []
    var forgotten: [StoreLook.Forgotten] = []
    /// Where companies are that could not be asked, and why.
    var silentCompanies: String?
    /// Why Redis could not be looked at to the end.
    var fault: String?
}

/// Looks at what there is of sagas on a Redis, and in the companies' books; it changes nothing.
struct SagaSurvey {
    /// A million entries or more.
    private static let pagesMaximum = 10_000

    let client: RedisClient
    let namespace: String
    /// How long events are kept by those whose streams they are.
    let retention: Duration
    /// How long the ledger of a saga that has ended is kept.
    let ledgerLife: Duration
    /// How long what a service itself compares, and mends, may stand.
    let settled: Duration
    let companiesURL: String

    private var names: SagaKeys { SagaKeys(namespace: namespace) }

    /// As much as can be known.
    func facts() async -> SagaFacts {
        var facts = SagaFacts()
        do throws(SagaError) {
            try await look(&facts)
        } catch {
            facts.fault = error.answer ?? error.message
        }
        await readBooks(&facts)
        return facts
    }

    // MARK: - Redis

    private func look(_ facts: inout SagaFacts) async throws(SagaError) {
        let look = StoreLook(client, names)
        let streams = await streams()
        var owners = Set(streams.compactMap(SagaHistory.owner(of:)))
        owners.formUnion(SystemService.allCases.filter(\.takesPartInSagas).map(\.owner))
        var now: Int64 = 0
        for name in owners.sorted() {
            var participant = SagaFacts.Participant(name: name)
            participant.letters = try await look.letters(of: name)
            participant.blocked = try await look.blocked(at: name)
            participant.born = try await look.born(name)
            now = participant.blocked.now
            facts.participants.append(participant)
        }
        for stream in streams where EventStreamKeys(namespace: namespace).isEventStream(stream) {
            let owner = SagaHistory.owner(of: stream)
            if let first = try await look.beginning(of: stream),
                let place = facts.participants.firstIndex(where: { $0.name == owner })
            {
                facts.participants[place].firstEvent = min(
                    first, facts.participants[place].firstEvent ?? .max)
            }
            facts.forgotten += try await look.forgotten(of: stream, keeping: retention, at: now)
        }
    }

    /// Those that are there; where nobody may list keys, those of the order system.
    private func streams() async -> [String] {
        let pattern = EventStreamKeys(namespace: namespace).streamPattern
        if let found = try? await client.keys(matching: pattern, type: "stream") { return found }
        return RedisRole.everything(namespace: namespace, withCache: false).standingKeys
            .filter { $0.kind == .stream }.map(\.name)
    }

    // MARK: - Books

    private func readBooks(_ facts: inout SagaFacts) async {
        let companiesClient = JSONClient(
            baseURL: companiesURL, timeout: .seconds(1), connections: 2)
        let companies: [(name: String, books: any OutsideBooks)] = [
            (ServiceName.payment, HTTPPaymentCompany(companiesClient)),
            (ServiceName.shipping, HTTPCarrier(companiesClient)),
        ]
        for company in companies {
            guard let place = facts.participants.firstIndex(where: { $0.name == company.name }),
                let leg = Route.order.legs.first(where: { $0.participant == company.name })
            else { continue }
            do {
                let (books, sagas) = try await read(
                    company.books, of: company.name, leg.step,
                    within: ripe(facts.participants[place]))
                facts.participants[place].books = books
                do throws(SagaError) {
                    facts.participants[place].books?.unknown = try await StoreLook(client, names)
                        .unknown(sagas, of: Route.order.name, to: company.name, step: leg.step)
                        .count
                } catch {
                    facts.fault = facts.fault ?? error.answer ?? error.message
                }
            } catch {
                facts.silentCompanies = "\(companiesURL): \(error)"
            }
        }
        await companiesClient.shutdown()
    }

    /// When things were done of which a ledger would have to be there.
    ///
    /// What is older than the data tells of a loss, and what is about as old as ledgers get may
    /// have had one.
    private func ripe(_ participant: SagaFacts.Participant) -> Range<Int64> {
        let now = participant.blocked.now
        guard let born = participant.born else { return 0..<0 }
        let start = max(born, now - Int64(ledgerLife.milliseconds) * 9 / 10)
        return start..<max(start, now - Int64(settled.milliseconds))
    }

    /// What was undone tells nothing: its saga may have ended long before our data came to be.
    ///
    /// - Returns: the sagas, too, for which something was done then.
    private func read(
        _ outside: any OutsideBooks, of participant: String, _ step: String,
        within ripe: Range<Int64>
    ) async throws -> (books: SagaFacts.Books, sagas: [String]) {
        let keys = IdempotencyKeys(
            namespace: namespace, route: Route.order.name, form: .named)
        var books = SagaFacts.Books(times: [])
        var sagas: [String] = []
        var cursor: String?
        for _ in 0..<Self.pagesMaximum {
            let page = try await outside.entries(after: cursor, since: 0)
            for entry in page.entries where entry.standing != .undone {
                guard let saga = keys.saga(of: entry.key, participant, step) else { continue }
                books.times.append(entry.made)
                if ripe.contains(entry.made) { sagas.append(saga) }
            }
            cursor = page.next
            if cursor == nil { break }
        }
        books.isCut = cursor != nil
        books.times.sort()
        return (books, sagas)
    }
}
